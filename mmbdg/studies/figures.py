"""Reads figures from the output of a tool: a JSON file, or the validations in the log of a training."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError, nearest
from mmbdg.paths import inside
from mmbdg.reading import parsed_json, read_json, read_lines
from mmbdg.studies.study import VALIDATIONS, Figure


def validations(work_dir: Path, keys: Collection[str]) -> list[dict[str, float]]:
    """All validations of a training, in the order of its iterations.

    A resumed training has several logs. If they overlap, the later log is used.

    Args:
        work_dir: Work directory of the training.
        keys: Keys of figures. A line of the log with one of them is a validation.

    Returns:
        Logged figures of the metric, with ``step``.

    Raises:
        InputError: A log is damaged.
    """
    by_step = {}
    for log in sorted(work_dir.glob('*/vis_data/scalars.json')):
        lines = [parsed_json(line, log) for line in read_lines(log)]
        if not all(isinstance(line, dict) and isinstance(line.get('step', 0), int) for line in lines):
            raise InputError(f'{log} is no log of a training: remove it and run the step again')
        by_step |= {line['step']: line for line in lines if set(keys) & line.keys() and 'step' in line}
    return [by_step[step] for step in sorted(by_step)]


def figure_value(figure: Figure, folder: Path) -> float | None:
    """Read a figure and apply its scale.

    Args:
        figure: Figure to read.
        folder: Output folder of the step that wrote it.

    Returns:
        Scaled value; None if the tool wrote null.

    Raises:
        InputError: The figure is missing or is no number.
    """
    source, _, key = figure.read.partition(':')
    if source == VALIDATIONS:
        found = validations(folder, [key])
        if not found:
            raise InputError(f'no validation in {folder} logs {key}: check that the config has a validation (train_cfg.val_interval)')
        return scaled(found[-1][key], figure, f'{folder}: {key}')
    path = inside(folder, source)
    return scaled(at_key(read_json(path), key, str(path)), figure, f'{path}: {key}')


def scaled(value: Any, figure: Figure, where: str) -> float | None:
    """A number multiplied by the scale of its figure; None for None.

    Raises:
        InputError: The value is neither a number nor None.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f'{where} is no number: {str(value)[:80]}')
    return value * figure.scale


def at_key(content: Any, key: str, where: str) -> Any:
    """Value at a dotted key of JSON content. Keys that contain dots are found too, and a number is an index into a list.

    Raises:
        InputError: The key does not exist.
    """
    parts = key.split('.')
    for n in range(len(parts), 0, -1):
        first, rest = '.'.join(parts[:n]), '.'.join(parts[n:])
        if isinstance(content, dict) and first in content:
            return at_key(content[first], rest, where) if rest else content[first]
        if isinstance(content, list) and n == 1 and first.isdecimal() and int(first) < len(content):
            return at_key(content[int(first)], rest, where) if rest else content[int(first)]
    known = content if isinstance(content, dict) else ()
    raise InputError(f'{where} has no "{key}"{nearest(key, map(str, known))}')
