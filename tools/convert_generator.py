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
    diffusers    a folder of a diffusion pipeline in diffusers' layout (safetensors only), for mmbdg.DiffusionGenerator:

    python tools/convert_generator.py FOLDER data/generators/sd15.safetensors --from diffusers --classes in1k --prompt "a photo of a {}"

The sizes of the network are derived from the weights. Sizes that the weights do not determine (VQGAN's heads and classes) are those of the
released model; --options changes them. Spectral norms are not folded into the weights here; freezing a generator folds them.
"""

import argparse
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

DIFFUSERS = 'diffusers'


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('src', help='file, or folder of a pipeline, to convert')
    parser.add_argument('dst', type=Path, help='.safetensors file to write')
    parser.add_argument('--from', dest='source', required=True, choices=[*ADAPTERS, DIFFUSERS], help='source of the file, see above')
    parser.add_argument(
        '--options', nargs='+', action=ConfigOptions, default={}, help='sizes that the weights do not determine, e.g. n_head=24'
    )
    parser.add_argument('--classes', help='diffusers: names of the classes, separated by commas, or the name of an embedded list')
    parser.add_argument('--prompt', help='diffusers: prompt with {} for the name of a class; not for a model whose classes are labels')
    args = parser.parse_args()
    if args.dst.suffix != '.safetensors':
        raise InputError(f'the file to write must end in .safetensors, got {args.dst}')
    args.dst.parent.mkdir(parents=True, exist_ok=True)  # before the conversion, so that an unwritable folder is reported early

    if args.source == DIFFUSERS:
        convert_pipeline(args)
        return
    if args.classes or args.prompt:
        parser.error('--classes and --prompt are for --from diffusers')
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
    print_config(config, args.dst)


def convert_pipeline(args: argparse.Namespace) -> None:
    """Convert the folder of a diffusion pipeline; the texts of the classes are encoded."""
    from mmbdg.assets.class_lists import class_names
    from mmbdg.pipeline_weights import PipelineWeights, generator_config

    if not args.classes:
        raise InputError('--from diffusers needs --classes: names separated by commas, or the name of an embedded list such as in1k')
    names = class_names([name.strip() for name in args.classes.split(',')] if ',' in args.classes else args.classes)
    config = {**generator_config(args.src, len(names)), **args.options}
    generator = build_generator(config)
    PipelineWeights(args.src, args.prompt, names if generator.takes_text else None)(generator)  # refuses a prompt for labels
    write_safetensors(args.dst, generator.state_dict(), dict(source=DIFFUSERS, generator=json.dumps(config), prompt=args.prompt or ''))
    print(f'{len(generator.state_dict())} tensors in {args.dst}. For your config:\n')
    print_config(config, args.dst)


def print_config(config: dict, weights: Path) -> None:
    """Print the config of a generator with its converted weights."""
    print('generator = ' + pformat(config | dict(init_cfg=dict(type='Pretrained', checkpoint=str(weights))), sort_dicts=False, width=100))


if __name__ == '__main__':
    with plain_errors():
        main()
