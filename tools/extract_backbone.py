"""Extract the backbone of a pre-training checkpoint, with the key names of the library that will use it.

    python tools/extract_backbone.py work_dirs/densecl_biggan_fpn/iter_240.pth backbone.safetensors
    python tools/extract_backbone.py CHECKPOINT backbone.pth --layout detectron2

The layout openmmlab (default) uses the key names of mmpretrain, mmseg and mmdet, which load the file with init_cfg=dict(type='Pretrained',
checkpoint='backbone.safetensors'). The other layouts raise an error if the network of that library differs from the trained one in stem,
strides, dilations, heads or normalisation. A card, *.card.json, is written beside OUT: how the library builds the network, how images are
normalised, and the origin of the weights. A .safetensors file also contains the card in its metadata.
"""

import json
import shlex
import sys
from pathlib import Path

import torch
from mmengine.config import ConfigDict

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser
from mmbdg.backbones import LAYOUTS, card, read_origin, to_layout
from mmbdg.compat.checkpoint import check_finite, checkpoint_file, read_checkpoint, tensors_under
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import sha256, write_atomically, write_json, write_safetensors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('checkpoint', help='checkpoint of a model with a backbone')
    parser.add_argument('out', help='file to write, .safetensors or .pth; .pth for detectron2')
    parser.add_argument('--prefix', default='backbone.', help='prefix of the keys to extract; default: backbone.')
    parser.add_argument('--layout', default='openmmlab', choices=LAYOUTS, help='library whose key names are used; default: openmmlab')
    parser.add_argument('--allow-arguments', action='store_true', help='accept a network that the library builds only with extra arguments')
    parser.add_argument(
        '--backbone',
        nargs='+',
        action=ConfigOptions,
        help='config of the backbone, for a checkpoint that contains no config: type=ResNet depth=50',
    )
    args = parser.parse_args()
    suffixes = ('.pth',) if args.layout == 'detectron2' else ('.safetensors', '.pth')
    if Path(args.out).suffix not in suffixes:
        raise InputError(f'OUT must end in {" or ".join(suffixes)}, got {args.out}')
    if Path(args.out).resolve() == Path(args.checkpoint).resolve():
        raise InputError(f'OUT is the checkpoint itself ({args.out}) and would overwrite it; choose another file')
    checkpoint = read_checkpoint(args.checkpoint)
    state = tensors_under(checkpoint, args.prefix, args.checkpoint)
    check_finite(state, args.checkpoint)
    origin = read_origin(checkpoint, args.prefix, args.checkpoint, _nested(args.backbone))
    export = to_layout(state, origin.backbone, args.layout, args.allow_arguments)
    source = dict(file=Path(args.checkpoint).name, sha256=sha256(checkpoint_file(args.checkpoint)))
    about = card(export, args.layout, origin, source, shlex.join(['python', 'tools/extract_backbone.py', *sys.argv[1:]]))
    write(args.out, export.state, args.layout, about)
    print(f'{about["tensors"]} tensors, {about["numbers"] / 1e6:.1f} M numbers, in {args.out}')
    if args.layout != 'openmmlab':
        print(f'{args.layout} builds this network as {export.network}')
    if about['input'] is None:
        print('the checkpoint does not say how images were normalised; users of the backbone must know the mean and standard deviation')


def _nested(options: dict | None) -> dict | None:
    """Options with dotted keys (``norm_cfg.type=BN``) as nested dicts."""
    if not options:
        return None
    nested = ConfigDict()
    for key, value in options.items():
        *above, last = key.split('.')
        node = nested
        for part in above:
            node = node.setdefault(part, ConfigDict())
        node[last] = value
    return nested.to_dict()


def write(out: str, state: dict[str, torch.Tensor], layout: str, about: dict) -> None:
    """Write the weights, then the card with their checksum."""
    if out.endswith('.safetensors'):
        write_safetensors(out, state, dict(format='pt', card=json.dumps(about)))
    else:
        # With matching_heuristics, detectron2 reads a torch file and matches the key names of the backbone anywhere in its model.
        content = dict(model=state, __author__='mmbdg', matching_heuristics=True) if layout == 'detectron2' else state
        write_atomically(out, lambda part: torch.save(content, part))
    write_json(Path(out).with_suffix('.card.json'), about | dict(sha256=sha256(out)))


if __name__ == '__main__':
    with plain_errors():
        main()
