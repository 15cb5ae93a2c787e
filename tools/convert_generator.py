"""Convert a published generator to one file with the key names of this package.

    python tools/convert_generator.py biggan-512.pth data/generators/biggan-512.safetensors --from ajbrock

Unknown and missing tensors raise an error. SRC is a file of

    tfhub        DeepMind's BigGAN of TensorFlow Hub, an .npz dump (mmbdg/generators/adapters/tfhub.py describes how to make it)
    ajbrock      ajbrock/BigGAN-PyTorch, also its conversion of DeepMind's weights
    ivclab       ivclab/BigGAN-Generator-Pretrained-Pytorch, biggan512-release.pt
    hf-deep      huggingface/pytorch-pretrained-BigGAN, biggan-deep-512-pytorch_model.bin
    mmagic-deep  OpenMMLab's conversion of BigGAN-deep
    taming       CompVis/taming-transformers, cin_transformer/checkpoints/last.ckpt
    dcgan        the DCGAN of PyTorch's tutorial

The sizes of the network are derived from the weights. Sizes that the weights do not determine (VQGAN's heads and classes) are those of the
released model; --options changes them. Spectral norms are not folded into the weights here; freezing a generator folds them.
"""

import json
from pathlib import Path
from pprint import pformat

import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.assets import resolve
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import sha256, write_safetensors
from mmbdg.generators.adapters import ADAPTERS, adapter_of
from mmbdg.generators.build import build_generator


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('src', help='file to convert')
    parser.add_argument('dst', type=Path, help='.safetensors file to write')
    parser.add_argument('--from', dest='source', required=True, choices=list(ADAPTERS), help='source of the file, see above')
    parser.add_argument(
        '--options', nargs='+', action=ConfigOptions, default={}, help='sizes that the weights do not determine, e.g. n_head=24'
    )
    args = parser.parse_args()
    if args.dst.suffix != '.safetensors':
        raise InputError(f'the file to write must end in .safetensors, got {args.dst}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)  # before the conversion, so that an unwritable folder is reported early

    adapter = adapter_of(args.source)
    raw = adapter.read(args.src)
    config = {**adapter.generator_config(raw, args.src), **args.options}
    with torch.device('meta'):  # names and shapes only
        generator = build_generator(config)
    state = adapter.convert(raw, generator, args.src)
    metadata = dict(source=args.source, source_sha256=sha256(resolve(args.src)), generator=json.dumps(config))
    write_safetensors(args.dst, state, metadata)

    ignored = sum(adapter.ignored(key) for key in raw)
    print(f'{len(state)} tensors in {args.dst}; {ignored} of {len(raw)} tensors in the source are not needed. For your config:\n')
    print('generator = ' + pformat(config | dict(init_cfg=dict(type='Pretrained', checkpoint=str(args.dst))), sort_dicts=False, width=100))


if __name__ == '__main__':
    with plain_errors():
        main()
