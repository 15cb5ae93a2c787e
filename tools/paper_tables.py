"""The paper's figures for its downstream tasks, by the config here that trains the task (BigDatasetGAN, Tables 3 to 6)."""

from typing import NamedTuple

RANDOM, SUPERVISED, MOCO, DENSECL, OURS = 'random init.', 'supervised', 'MoCo-v2', 'DenseCL', 'BigGAN-sim-FPN'
COCO = ('coco/bbox_mAP', 'coco/bbox_mAP_50', 'coco/bbox_mAP_75', 'coco/segm_mAP', 'coco/segm_mAP_50', 'coco/segm_mAP_75')
VOC = ('pascal_voc/mAP', 'pascal_voc/AP50', 'pascal_voc/AP75')


class Published(NamedTuple):
    """Columns of a table of the paper.

    Args:
        table: Which one.
        metrics: Keys of the figures as the metrics log them.
        rows: Figures in percent, by the paper's name of the pre-training.
    """

    table: str
    metrics: tuple[str, ...]
    rows: dict[str, tuple[float, ...]]


def _chest_xray(percent: int, supervised: float, densecl: float, ours: float) -> Published:
    return Published(f'Table 5, {percent} % of labels', ('mIoU',), {SUPERVISED: (supervised,), DENSECL: (densecl,), OURS: (ours,)})


PAPER = {
    'mask-rcnn_r50_fpn_1x_coco': Published(
        'Table 3 (a)',
        COCO,
        {
            RANDOM: (31.0, 46.8, 30.4, 28.5, 46.8, 30.4),  # as printed; the second and third repeat those of the masks
            SUPERVISED: (38.9, 59.6, 42.7, 35.4, 56.5, 38.1),
            MOCO: (38.9, 59.2, 42.4, 35.4, 56.2, 37.8),
            DENSECL: (39.4, 59.9, 42.7, 35.6, 56.7, 38.2),
            OURS: (39.8, 60.4, 43.7, 35.9, 57.3, 38.2),
        },
    ),
    'mask-rcnn_r50_fpn_2x_coco': Published(
        'Table 3 (b)',
        COCO,
        {
            RANDOM: (36.7, 56.7, 40.0, 33.7, 53.8, 35.9),
            SUPERVISED: (40.6, 61.3, 44.4, 36.8, 58.1, 39.5),
            MOCO: (40.9, 61.5, 44.6, 37.0, 58.4, 39.6),
            DENSECL: (41.2, 61.9, 45.1, 37.3, 58.9, 40.1),
            OURS: (41.5, 62.2, 45.4, 37.5, 59.0, 40.5),
        },
    ),
    'faster-rcnn_r50-c4_24k_voc0712': Published(
        'Table 4, detection',
        VOC,
        {
            RANDOM: (33.8, 60.2, 33.1),
            SUPERVISED: (53.5, 81.3, 58.8),
            MOCO: (57.0, 82.4, 63.6),
            DENSECL: (58.7, 82.8, 65.2),
            OURS: (58.2, 83.0, 65.5),
        },
    ),
    'fcn_r50-d8_20k_voc12aug': Published(
        'Table 4, semantic segmentation',
        ('mIoU',),
        {RANDOM: (40.7,), SUPERVISED: (67.7,), MOCO: (67.5,), DENSECL: (69.2,), OURS: (69.7,)},
    ),
    'fcn_r50_frozen_1pct': _chest_xray(1, 49.6, 48.8, 67.6),
    'fcn_r50_frozen_5pct': _chest_xray(5, 47.8, 59.4, 70.8),
    'fcn_r50_frozen_10pct': _chest_xray(10, 54.1, 66.2, 71.2),
    'fcn_r50_frozen_50pct': _chest_xray(50, 57.6, 69.2, 74.7),
    'fcn_r50_frozen_100pct': _chest_xray(100, 63.6, 70.4, 75.3),
    'mask-rcnn_r50_fpn_90k_cityscapes': Published(
        'Table 6, instance segmentation',
        ('cityscapes/mAP', 'cityscapes/AP@50'),
        {RANDOM: (25.4, 51.1), SUPERVISED: (32.9, 59.6), MOCO: (33.7, 61.8), DENSECL: (34.5, 62.1), OURS: (34.8, 62.9)},
    ),
    'fcn_r50-d8_40k_cityscapes-769x769': Published(
        'Table 6, semantic segmentation',
        ('mIoU',),
        {RANDOM: (63.5,), SUPERVISED: (73.7,), MOCO: (74.5,), DENSECL: (75.7,), OURS: (75.6,)},
    ),
}
