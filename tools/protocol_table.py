"""Compare the transfer configs with the paper and the protocols that it follows, as a Markdown page.

    python tools/protocol_table.py docs/transfer/protocol.md
    python tools/protocol_table.py                              # prints the page

The settings of the protocols are written in this file. The settings of this repository are read from the configs. For each difference, the
table gives the reason.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config

from mmbdg.arguments import Parser
from mmbdg.compat.config import read_config
from mmbdg.errors import plain_errors
from mmbdg.files import write_atomically
from mmbdg.reading import read_text

FOLDER = Path(__file__).parents[1] / 'configs' / 'transfer'


class Row(NamedTuple):
    """A setting of a protocol.

    Attributes:
        what: Name of the setting.
        whose: Protocol that defines the setting; "ours" if there is none.
        says: Value in the protocol.
        here: Function that reads the value from a config.
        why: Reason for a difference; default: there must be none.
    """

    what: str
    whose: str
    says: str
    here: Callable[[Config], Any]
    why: str = ''


def total_batch(cfg: Config) -> int:
    """Total batch size for the number of GPUs in the command of the config's docstring."""
    gpus = re.search(r'dist_train\.sh +\S+ (\d+)', read_text(cfg.filename))
    return cfg.train_dataloader.batch_size * int(gpus[1])


def first_dataset(cfg: Config) -> Config:
    """Training dataset, or the first of several."""
    dataset = cfg.train_dataloader.dataset
    return dataset.get('datasets', [dataset])[0]


def step(pipeline: list[dict], kind: str) -> dict:
    """The first transform of a type."""
    return next(transform for transform in pipeline if transform['type'] == kind)


def frozen(cfg: Config) -> str:
    backbone = cfg.model.backbone
    return 'all' if backbone.get('frozen_stages', -1) == -1 and not backbone.get('norm_eval', True) else 'some'


def pixels(cfg: Config) -> str:
    preprocessor = cfg.model.data_preprocessor
    order = 'RGB' if preprocessor.bgr_to_rgb else 'BGR'
    return f'{order}, mean {joined(preprocessor.mean)}, std {joined(preprocessor.std)}'


def norms(cfg: Config) -> str:
    """Types of the norm layers of all parts with a ``norm_cfg``."""
    model = cfg.model
    heads = [model.get('roi_head', {}).get(name) for name in ('shared_head', 'bbox_head', 'mask_head')]
    parts = [model.backbone, model.get('neck'), *heads, model.get('decode_head'), model.get('auxiliary_head')]
    return joined({part.norm_cfg.type for part in parts if part and 'norm_cfg' in part})


def sizes(cfg: Config) -> str:
    scales = step(first_dataset(cfg).pipeline, 'RandomChoiceResize').scales
    return f'{joined(side for _, side in scales)}; at most {joined({side for side, _ in scales})}'


def test_size(cfg: Config) -> str:
    longest, side = step(cfg.test_dataloader.dataset.pipeline, 'Resize').scale
    return f'{side}; at most {longest}'


def optimiser(cfg: Config) -> str:
    optimizer = cfg.optim_wrapper.optimizer
    of_norms = optimizer.weight_decay * cfg.optim_wrapper.get('paramwise_cfg', {}).get('norm_decay_mult', 1)
    return (
        f'{optimizer.type}, {optimizer.lr}, momentum {optimizer.momentum}, weight decay {optimizer.weight_decay}, of norm layers {of_norms}'
    )


def warm_up(cfg: Config) -> str:
    linear = cfg.param_scheduler[0]
    return f'{linear.end - 1} iterations, linear from {linear.start_factor}'  # mmengine's last warm-up iteration is end - 1


def steps(cfg: Config) -> str:
    multi = cfg.param_scheduler[1]
    return f'x {multi.gamma} at {joined(multi.milestones)} of {cfg.train_cfg.max_iters}'


def poly(cfg: Config) -> str:
    (schedule,) = cfg.param_scheduler
    return f'{schedule.type}, power {schedule.power}, to {schedule.eta_min} at {schedule.end} of {cfg.train_cfg.max_iters}'


def lists(cfg: Config) -> str:
    dataset = cfg.train_dataloader.dataset
    train = [part.get('ann_file') or part.data_prefix.img_path for part in dataset.get('datasets', [dataset])]
    test = cfg.test_dataloader.dataset
    return f'{joined(train)} -> {test.get("ann_file") or test.data_prefix.img_path}'


def metrics(cfg: Config) -> str:
    evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    return joined(evaluator.type for evaluator in evaluators)


def joined(values: Any) -> str:
    return ', '.join(map(str, values))


RGB = 'RGB, mean 123.675, 116.28, 103.53, std 58.395, 57.12, 57.375'
DETECTOR = [
    Row('trained layers', 'MoCo', 'all', frozen),
    Row('norm layers', 'MoCo', 'SyncBN', norms),
    Row('batches for the final batch statistics', 'MoCo, Detectron2', '200', lambda cfg: cfg.custom_hooks[0].iterations),
    Row('pixel normalisation', 'MoCo', RGB, pixels),
    Row('probability of a flip', 'Detectron2', '0.5', lambda cfg: step(first_dataset(cfg).pipeline, 'RandomFlip').prob),
]
MASK_RCNN = [
    Row('model', 'BigDatasetGAN', 'MaskRCNN, ResNet-50, FPN', lambda cfg: f'{named(cfg)}, {cfg.model.neck.type}'),
    *DETECTOR,
    Row(
        'box head',
        'Detectron2 (SyncBN)',
        'Shared4Conv1FCBBoxHead',
        lambda cfg: cfg.model.roi_head.bbox_head.type,
    ),
]


def named(cfg: Config) -> str:
    return f'{cfg.model.type}, {cfg.model.backbone.type}-{cfg.model.backbone.depth}'


COCO = [
    *MASK_RCNN,
    Row('short side in training', 'MoCo', '640, 672, 704, 736, 768, 800; at most 1333', sizes),
    Row('short side in the test', 'Detectron2', '800; at most 1333', test_size),
    Row('total batch size', 'MoCo', '16', total_batch),
    Row('optimizer', 'MoCo, Detectron2', 'SGD, 0.02, momentum 0.9, weight decay 0.0001, of norm layers 0.0', optimiser),
    Row('warm-up', 'Detectron2', '1000 iterations, linear from 0.001', warm_up),
    Row(
        'training and test images',
        'BigDatasetGAN',
        'annotations/instances_train2017.json -> annotations/instances_val2017.json',
        lists,
    ),
    Row('metric', 'BigDatasetGAN', 'CocoMetric', metrics),
]
FCN = [
    Row('model', 'DenseCL', 'EncoderDecoder, ResNet-50', named),
    Row('trained layers', 'DenseCL', 'all', frozen),
    Row('norm layers', 'DenseCL', 'SyncBN', norms),
    Row('pixel normalisation', 'mmseg', RGB, pixels),
    Row('total batch size', 'DenseCL', '16', total_batch),
    Row('optimizer', 'mmseg', 'SGD, 0.01, momentum 0.9, weight decay 0.0005, of norm layers 0.0005', optimiser),
    Row('metric', 'BigDatasetGAN', 'IoUMetric', metrics),
]


def crop(cfg: Config) -> str:
    return joined(step(first_dataset(cfg).pipeline, 'RandomCrop').crop_size)


PROTOCOLS = {
    'coco/mask-rcnn_r50_fpn_1x_coco.py': [*COCO, Row('schedule', 'Detectron2', 'x 0.1 at 60000, 80000 of 90000', steps)],
    'coco/mask-rcnn_r50_fpn_2x_coco.py': [*COCO, Row('schedule', 'Detectron2', 'x 0.1 at 120000, 160000 of 180000', steps)],
    'voc/faster-rcnn_r50-c4_24k_voc0712.py': [
        Row('model', 'BigDatasetGAN', 'FasterRCNN, ResNet-50', named),
        Row('shared head', 'MoCo', 'ResLayerExtraNorm', lambda cfg: cfg.model.roi_head.shared_head.type),
        *DETECTOR,
        Row('short side in training', 'MoCo', '480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800; at most 1333', sizes),
        Row('short side in the test', 'MoCo', '800; at most 1333', test_size),
        Row(
            'objects marked as difficult',
            'Detectron2',
            'used in training',
            lambda cfg: 'used in training' if step(first_dataset(cfg).pipeline, 'mmbdg.KeepDifficult') else 'ignored',
        ),
        Row('total batch size', 'MoCo', '16', total_batch),
        Row('optimizer', 'MoCo, Detectron2', 'SGD, 0.02, momentum 0.9, weight decay 0.0001, of norm layers 0.0', optimiser),
        Row('warm-up', 'MoCo', '100 iterations, linear from 0.001', warm_up),
        Row('schedule', 'BigDatasetGAN, MoCo', 'x 0.1 at 18000, 22000 of 24000', steps),
        Row(
            'training and test images',
            'BigDatasetGAN',
            'VOC2007/ImageSets/Main/trainval.txt, VOC2012/ImageSets/Main/trainval.txt -> VOC2007/ImageSets/Main/test.txt',
            lists,
        ),
        Row(
            'metric',
            'Detectron2',
            'VOCMetric, 11points, IoU 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95',
            lambda cfg: f'{metrics(cfg)}, {cfg.test_evaluator.eval_mode}, IoU {joined(cfg.test_evaluator.iou_thrs)}',
        ),
    ],
    'voc/fcn_r50-d8_20k_voc12aug.py': [
        *FCN,
        Row('crop', 'DenseCL', '512, 512', crop),
        Row('schedule', 'BigDatasetGAN, mmseg', 'PolyLR, power 0.9, to 0.0001 at 20000 of 20000', poly),
        Row(
            'training and test images',
            'BigDatasetGAN',
            'VOC2012/ImageSets/Segmentation/train.txt, VOC2012/ImageSets/Segmentation/aug.txt -> VOC2012/ImageSets/Segmentation/val.txt',
            lists,
        ),
    ],
    'cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py': [
        *(row._replace(whose='ours, as for COCO') if row.what in ('norm layers', 'box head') else row for row in MASK_RCNN),
        Row('short side in training', 'Detectron2', '800, 832, 864, 896, 928, 960, 992, 1024; at most 2048', sizes),
        Row('short side in the test', 'Detectron2', '1024; at most 2048', test_size),
        Row('total batch size', 'Detectron2', '8', total_batch),
        Row('optimizer', 'Detectron2', 'SGD, 0.01, momentum 0.9, weight decay 0.0001, of norm layers 0.0', optimiser),
        Row('warm-up', 'Detectron2', '1000 iterations, linear from 0.001', warm_up),
        Row('iterations', 'BigDatasetGAN', '90000', lambda cfg: cfg.train_cfg.max_iters),
        Row('schedule', "ours, from Detectron2's 90k schedule", 'x 0.1 at 60000, 80000 of 90000', steps),
        Row('pre-trained weights besides the backbone', 'BigDatasetGAN', 'none', lambda cfg: cfg.load_from or 'none'),
        Row(
            'training and test images',
            'BigDatasetGAN',
            'annotations/instancesonly_filtered_gtFine_train.json -> annotations/instancesonly_filtered_gtFine_val.json',
            lists,
        ),
        Row('metric', 'BigDatasetGAN', 'CityScapesMetric', metrics, 'CocoMetric is added for boxes'),
    ],
    'cityscapes/fcn_r50-d8_40k_cityscapes-769x769.py': [
        *FCN,
        Row('crop', 'DenseCL', '769, 769', crop),
        Row('schedule', 'DenseCL, mmseg', 'PolyLR, power 0.9, to 0.0001 at 40000 of 40000', poly),
        Row('training and test images', 'BigDatasetGAN', 'leftImg8bit/train -> leftImg8bit/val', lists),
    ],
}

HEAD = """# Transfer configs compared with the paper and its protocols

This page is made by `python tools/protocol_table.py docs/transfer/protocol.md`; a test checks that it is up to date. Sources:
*BigDatasetGAN* is the paper (section 5.3), *MoCo* its files for Detectron2 (detection/configs), *Detectron2* its defaults and its
Cityscapes config, *DenseCL* its paper and benchmarks, and *mmseg* the config named in our config file. The last column is read from our
config; a difference is **bold**."""
TAIL = """
## Differences that the tables do not show

* The coordinates of VOC's boxes start at 1. Detectron2 subtracts 1 from the upper left corner only, mmdet from both corners, so mmdet's
  boxes are one pixel smaller. The metric counts the last pixel in both cases.
* Detectron2 crops the mask of a region from the polygon, mmdet from the rasterised polygon.
* MoCo's latest files use `naiveSyncBN`. torch's SyncBN weights each process by its number of regions.
* Detectron2 and mmengine draw the flip and the size of an image from the random state of a worker process. The distributions are equal,
  the values are not.
"""


def rows(name: str) -> Iterator[tuple[Row, str]]:
    """Rows of a config, each with the value read from the config."""
    cfg = read_config(FOLDER / name)
    for row in PROTOCOLS[name]:
        yield row, str(row.here(cfg))


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for name in PROTOCOLS:
        parts.append(f'\n## {name}\n\n| setting | source | protocol | this repository |\n| --- | --- | --- | --- |')
        for row, here in rows(name):
            differs = here != row.says
            parts.append(f'| {row.what} | {row.whose} | {row.says} | {f"**{here}**: {row.why}" if differs else here} |')
    return '\n'.join(parts) + '\n' + TAIL


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', nargs='?', help='Markdown file to write; default: print the page')
    out = parser.parse_args().out
    if out:
        write_atomically(out, lambda part: part.write_text(page(), encoding='utf-8'))
    else:
        print(page(), end='')


if __name__ == '__main__':
    with plain_errors():
        main()
