"""Measure the best mIoU that masks predicted at a stride can reach, an upper bound for a light interpreter (docs/interpreters.md).

    python tools/coarse_masks.py configs/interpreter/biggan32_fashion.py coarse_masks.json --stride 2

Each mask of the config's test set is averaged over blocks of STRIDE x STRIDE pixels, resized as logits are, and thresholded at one half.
"""

from pathlib import Path

import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser, positive_int
from mmbdg.compat.config import check_requirements, interpreter_config
from mmbdg.compat.config_options import value_at
from mmbdg.datasets import RuleAnnotatedLatents
from mmbdg.errors import InputError, plain_errors
from mmbdg.evaluation import LabellerIoU
from mmbdg.files import check_place, write_json


def ceiling(config: str, stride: int) -> dict[str, float]:
    """mIoU in percent (foreground/background, and over classes) of the true test masks after reduction to a stride.

    Args:
        config: Config of an interpreter training whose test masks are drawn by a rule.
        stride: Stride of the reduced masks in pixels.

    Raises:
        InputError: The test set is not an mmbdg.RuleAnnotatedLatents.
    """
    cfg = interpreter_config(config, None)
    data = value_at(cfg, ['test_dataloader', 'dataset'])
    if not isinstance(data, dict) or data.pop('type', None) != 'mmbdg.RuleAnnotatedLatents':
        raise InputError(f'{config} has no test_dataloader.dataset of the type mmbdg.RuleAnnotatedLatents')
    check_requirements(cfg, [value_at(cfg.model.generator, ['init_cfg', 'checkpoint'])])
    dataset, metric = RuleAnnotatedLatents(**data), LabellerIoU()
    metric.dataset_meta = dataset.metainfo
    for item in dataset:
        sample = item['data_samples'].to_dict()
        mask = (sample['gt_sem_seg']['data'][None] > 0).float()  # the labels of a set with classes are class ids
        coarse = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(mask, stride), scale_factor=stride, mode='bilinear')
        metric.process(None, [sample | dict(pred_sem_seg=dict(data=(coarse[0] > 0.5).long()), num_outputs=1)])
    figures = metric.evaluate(len(dataset))
    return {key: figures[key] for key in ('mIoU_fgbg', 'mIoU_classes')}


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config of an interpreter training')
    parser.add_argument('out', type=Path, help='JSON file for the figures')
    parser.add_argument('--stride', type=positive_int, default=2, help='stride in pixels; must divide the resolution; default: 2')
    args = parser.parse_args()
    check_place(args.out)
    figures = ceiling(args.config, args.stride)
    write_json(args.out, dict(config=args.config, stride=args.stride, metrics=figures))
    print(', '.join(f'{name} {value:.2f}' for name, value in figures.items()))


if __name__ == '__main__':
    with plain_errors():
        main()
