"""Write the zero-shot weights of a CLIP classifier, or weights between these and fine-tuned ones (WiSE-FT).

    python tools/wise_ft.py configs/clip/vit-b16_dtd.py zero_shot.safetensors
    python tools/wise_ft.py configs/clip/vit-b16_dtd.py half.safetensors --tuned work_dirs/vit-b16_dtd/epoch_30.pth --alpha 0.5
    python tools/test.py configs/clip/vit-b16_dtd.py half.safetensors

The weights are (1 - alpha) zero-shot + alpha fine-tuned, for the image tower and for the head. With alpha 0 and 1 the file holds the
zero-shot and the fine-tuned weights bit for bit. The zero-shot model follows from the config: its CLIP model, classes and templates.
"""

from pathlib import Path

from mmengine.registry import DefaultScope
from torch import Tensor

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, fraction
from mmbdg.compat.checkpoint import checkpoint_file, read_state_dict
from mmbdg.compat.config import check_keys, check_parts, check_requirements, read_config
from mmbdg.data_configs import building
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, sha256, write_safetensors
from mmbdg.models.weight_interpolation import interpolated
from mmbdg.models.zero_shot_head import ZeroShotHead
from mmbdg.registry import MODELS


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config of a classifier with an mmbdg.ZeroShotHead')
    parser.add_argument('out', help='file to write, *.safetensors')
    parser.add_argument('--tuned', help='checkpoint of a training with this config')
    parser.add_argument('--alpha', type=fraction, help='weight of the fine-tuned model; default: 0.5 with --tuned, else 0')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override config values: key.subkey=value ...')
    args = parser.parse_args()
    alpha = args.alpha if args.alpha is not None else 0.5 if args.tuned else 0
    if Path(args.out).suffix != '.safetensors':
        raise InputError(f'OUT must end in .safetensors, got {args.out}')
    if alpha and not args.tuned:
        raise InputError(f'--alpha {alpha:g} needs --tuned CHECKPOINT; without fine-tuned weights there is only alpha 0')
    if args.tuned and Path(args.out).resolve() == Path(args.tuned).resolve():
        raise InputError(f'OUT is the fine-tuned checkpoint itself ({args.out}) and would overwrite it; choose another file')
    check_place(args.out)
    source = f'{args.tuned}, sha256 {sha256(checkpoint_file(args.tuned))}' if args.tuned else ''
    weights = zero_shot_weights(args.config, args.cfg_options)
    if args.tuned:
        weights = interpolated(weights, read_state_dict(args.tuned), alpha)
    write_safetensors(args.out, weights, dict(alpha=repr(alpha), tuned=source, config=args.config))
    print(f'{len(weights)} tensors, alpha {alpha:g}, in {args.out}')


def zero_shot_weights(path: str, options: dict | None) -> dict[str, Tensor]:
    """State dict of the zero-shot classifier of a config.

    Raises:
        InputError: The config has no ``mmbdg.ZeroShotHead``, or files are missing or do not fit.
    """
    cfg = read_config(path, options)
    check_keys(cfg, 'model')
    check_parts(cfg, 'model')
    check_requirements(cfg, [cfg.get('clip_weights')])
    with building(f'the model of {path}'), DefaultScope.overwrite_default_scope(cfg.get('default_scope', 'mmengine')):
        model = MODELS.build(cfg.model)
    if not isinstance(getattr(model, 'head', None), ZeroShotHead):
        raise InputError(f'the model of {path} has no mmbdg.ZeroShotHead, so it has no zero-shot weights')
    for part in (model.backbone, model.head):  # init_weights of the whole model would log every tensor
        part.init_weights()
    return model.state_dict()


if __name__ == '__main__':
    with plain_errors():
        main()
