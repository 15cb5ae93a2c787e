"""Keep the backbone of a pre-training checkpoint: plain keys, as torchvision, timm, mmseg and mmdet name them.

    python tools/extract_backbone.py work_dirs/densecl_biggan_fpn/iter_240.pth backbone.safetensors

Use it by init_cfg=dict(type='Pretrained', checkpoint='backbone.safetensors').
"""

import argparse
from pathlib import Path

import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_safetensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='checkpoint of any model with a backbone')
    parser.add_argument('out', help='*.safetensors or *.pth')
    parser.add_argument('--prefix', default='backbone.', help='what is kept')
    args = parser.parse_args()
    suffix = Path(args.out).suffix
    if suffix not in ('.safetensors', '.pth'):
        raise InputError(f'OUT must end in .safetensors or .pth, got {args.out}')
    if Path(args.out).resolve() == Path(args.checkpoint).resolve():
        raise InputError(f'OUT is the checkpoint itself ({args.out}); it would be lost')
    state = read_state_dict(args.checkpoint, args.prefix)
    if suffix == '.safetensors':
        write_safetensors(args.out, state)
    else:
        write_atomically(args.out, lambda part: torch.save(state, part))
    print(f'{len(state)} tensors, {sum(t.numel() for t in state.values()) / 1e6:.1f} M numbers, in {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
