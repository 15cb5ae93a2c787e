"""What trainings measured: read from their logs; mean and spread over seeds."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from mmbdg.reading import parsed_json, read_json, read_lines
from mmbdg.schema import OpenSchema

HEADLINES = {
    'mIoU': ('mIoU', 1),
    'coco/bbox_mAP': ('AP^bb', 100),
    'coco/bbox_mAP_50': ('AP^bb 50', 100),
    'coco/bbox_mAP_75': ('AP^bb 75', 100),
    'coco/segm_mAP': ('AP^mk', 100),
    'coco/segm_mAP_50': ('AP^mk 50', 100),
    'coco/segm_mAP_75': ('AP^mk 75', 100),
    'pascal_voc/mAP': ('AP', 100),
    'pascal_voc/AP50': ('AP50', 100),
    'pascal_voc/AP75': ('AP75', 100),
    'cityscapes/mAP': ('AP^mk', 100),
    'cityscapes/AP@50': ('AP^mk 50', 100),
}
"""What a table shows of a metric's figures: a name, and what makes a percentage of them."""


class Validation(OpenSchema):
    """Figures of one validation, as a metric logs them."""

    step: int


class Run(OpenSchema):
    """What ``figures.json`` of a run that is done holds."""

    validations: list[Validation]


class Tested(OpenSchema):
    """What tools/test.py writes."""

    metrics: dict[str, float | int]


def figures_of(path: Path, schema: type) -> Any:
    """A file of figures that one of these tools has written; damaged, it says so.

    Raises:
        InputError: It is no JSON, or of another form: it can be removed, and is measured again then.
    """
    return read_json(path, schema)


def validations(work_dir: Path) -> list[dict[str, float]]:
    """Every validation of a training, in the order of its iterations.

    A training that was interrupted and went on has several logs; where they overlap the later one counts.

    Returns:
        The metric's figures as they were logged, with ``step``.
    """
    by_step = {}
    for log in sorted(work_dir.glob('*/vis_data/scalars.json')):
        lines = [parsed_json(line, log) for line in read_lines(log)]
        by_step |= {line['step']: line for line in lines if HEADLINES.keys() & line.keys()}
    return [by_step[step] for step in sorted(by_step)]


def mean_and_spread(figures: Sequence[float | None]) -> str:
    """``19.7 ± 0.7``, mean and standard deviation (n - 1); a single figure has no spread, None is not known yet."""
    known = [figure for figure in figures if figure is not None]
    if not known:
        return '-'
    return f'{mean(known):.1f}' + (f' ± {stdev(known):.1f}' if len(known) > 1 else '')
