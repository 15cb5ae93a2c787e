"""mIoU over the number of synthetic images or the depth of the backbone (BigDatasetGAN, Figures 8 and 9), from files of tools/test.py."""

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

from pydantic import Field

from mmbdg.confidence import half_width
from mmbdg.errors import InputError
from mmbdg.leaderboard.compared_results import read_compared, seed_of
from mmbdg.leaderboard.drawing import drawing, shown
from mmbdg.leaderboard.result_files import METRIC, Measured
from mmbdg.schema import OpenSchema, validated

X_TITLES = dict(size='synthetic images', depth='depth of the backbone')


class _Set(OpenSchema):
    dataset: str
    synthetic: bool
    images: Annotated[int, Field(ge=0, le=10**12)]


class _Backbone(OpenSchema):
    type: str
    depth: Annotated[int, Field(ge=1, le=10**6)] | None


class _Figured(OpenSchema):
    training_set: list[_Set]
    backbone: _Backbone


def lines_of(kind: str, files: Sequence[str | os.PathLike]) -> list[dict[str, Any]]:
    """Lines of a figure; each point has ``x``, ``mean``, ``half_width`` (95 % interval, None for one seed), ``seeds`` and ``mIoU``.

    Args:
        kind: "size": a line for each backbone; "depth": a line for each training set.
        files: Files of tools/test.py.

    Raises:
        InputError: Files of different tasks or test sets, a checkpoint or a seed twice, a file without a seed or without x, points of
            different seeds or of several configs, or only one x.
    """
    lines: dict[str, dict[int, dict[int, tuple[str, Measured]]]] = {}
    for file, result in read_compared(files):
        seed = seed_of(file, result)
        name, x = _place(kind, file, result)
        seeds = lines.setdefault(name, {}).setdefault(x, {})
        if seed in seeds:
            raise InputError(f'{file} and {seeds[seed][0]} are both of seed {seed}, {X_TITLES[kind]} {x:,}: give one of them')
        seeds[seed] = file, result
    if len({x for points in lines.values() for x in points}) < 2:
        raise InputError(f'all results have the same {X_TITLES[kind]}: nothing to plot over')
    return [dict(name=name, points=[_point(name, x, points[x], points) for x in sorted(points)]) for name, points in lines.items()]


def _place(kind: str, file: str, result: Measured) -> tuple[str, int]:
    extra = result.model_extra or {}
    if not extra.get('training_set') or not extra.get('backbone'):
        raise InputError(f'{file} does not say its training set or backbone: train and test again with this version')
    found = _Figured.model_validate(validated(_Figured, {key: extra[key] for key in ('training_set', 'backbone')}, file), strict=True)
    depth, size = found.backbone.depth, sum(part.images for part in found.training_set if part.synthetic)
    if kind == 'size':
        return found.backbone.type + (f'-{depth}' if depth else ''), size
    if depth is None:
        raise InputError(f'{file}: its backbone {found.backbone.type} has no depth')
    return ' + '.join(f'{part.images:,} {"synthetic" if part.synthetic else "real"} images' for part in found.training_set), depth


def _point(name: str, x: int, seeds: dict[int, tuple[str, Measured]], points: dict) -> dict[str, Any]:
    every = set().union(*points.values())
    if lacking := sorted(every - seeds.keys()):
        raise InputError(f'{name}, {x:,}: there is no result of seed {", ".join(map(str, lacking))}, which other points have')
    configs = sorted({' '.join([result.config, *result.options]) for _, result in seeds.values()})
    if len(configs) > 1:
        raise InputError(f'{name}, {x:,}: results of several configs: {", ".join(configs)}')
    values = [float(seeds[seed][1].metrics[METRIC]) for seed in sorted(seeds)]
    return dict(x=x, mean=mean(values), half_width=half_width(values), seeds=sorted(seeds), mIoU=values, config=configs[0])


def draw_lines(kind: str, lines: list[dict[str, Any]], path: Path) -> None:
    """Write a PNG file: means with bands of the 95 % interval."""
    with drawing(path, 6, 4) as figure:
        axes = figure.add_subplot()
        for line in lines:
            x, means, halves = ([point[key] or 0 for point in line['points']] for key in ('x', 'mean', 'half_width'))
            (drawn,) = axes.plot(x, means, marker='o', label=shown(line['name']))
            low, high = ([m + sign * h for m, h in zip(means, halves, strict=True)] for sign in (-1, 1))
            axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.2, linewidth=0)
        if kind == 'size':
            axes.set_xscale('symlog')  # 0 images have a place too
            axes.minorticks_off()
        places = sorted({point['x'] for line in lines for point in line['points']})
        axes.set_xticks(places, [f'{x:,}' for x in places])
        axes.set(xlabel=X_TITLES[kind], ylabel=f'{METRIC} (%), band: 95 % interval over seeds')
        axes.grid(alpha=0.3)
        axes.legend()
