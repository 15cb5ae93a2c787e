"""Reads figures from the files of ``tools/test.py`` and ``tools/study.py``."""

import os
from pathlib import Path
from typing import Any

from pydantic import Field

from mmbdg.errors import InputError, nearest
from mmbdg.leaderboard.entry import MOST_SEEDS
from mmbdg.listing import list_folders
from mmbdg.paths import inside
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema, PlainName, validated

METRIC = 'mIoU'


class MeasuredSet(OpenSchema):
    """``test_set`` of a file of ``tools/test.py``."""

    images: int
    labels: list[str]
    sha256: str


class Measured(OpenSchema):
    """File of ``tools/test.py``.

    Args:
        config: Config of the training, as given to the tool.
        options: Options of the command line that changed the config, ``KEY=VALUE``. Default: [].
        checkpoint_sha256: SHA-256 of the checkpoint.
        seed: Seed of the training, if the checkpoint has it.
        version: Version of this package that measured.
        test_set: What was measured on; None if it has no true masks.
        metrics: Figures by name.
    """

    config: str
    options: list[str] = []
    checkpoint_sha256: str
    seed: int | None
    version: str
    test_set: MeasuredSet | None
    metrics: dict[str, Any]


class _Step(OpenSchema):
    step: PlainName
    fingerprint: PlainName


class _Run(OpenSchema):
    row: str
    column: str
    seed: int
    steps: list[_Step]


class _StudyFile(OpenSchema):
    """What is needed of the JSON file of a study."""

    study: str
    runs: list[_Run] = Field(max_length=10**6)


def read_result(path: str | os.PathLike) -> Measured:
    """Read a file of ``tools/test.py``.

    Raises:
        InputError: It is no such file, was written by an older version, or has no mIoU or no true masks.
    """
    return _result(read_json(path), path)


def _result(content: Any, path: str | os.PathLike) -> Measured:
    if isinstance(content, dict) and {'config', 'metrics'} <= content.keys() and 'checkpoint_sha256' not in content:
        raise InputError(f'{path} was written by an older tools/test.py and does not say what was measured: run tools/test.py again')
    result = Measured.model_validate(validated(Measured, content, str(path)), strict=True)
    if result.test_set is None:
        raise InputError(f'{path}: its test set has no true masks of segmentation; the leaderboard and its figures take {METRIC} only')
    if isinstance(result.metrics.get(METRIC), bool) or not isinstance(result.metrics.get(METRIC), int | float):
        raise InputError(f'{path} has no {METRIC} among its metrics ({", ".join(list(result.metrics)[:10])})')
    return result


def results_in(path: str | os.PathLike, row: str | None, steps: str | os.PathLike | None = None) -> list[tuple[str, int | None, Measured]]:
    """Read all results that a file leads to.

    Args:
        path: File of ``tools/test.py``, or the ``NAME.json`` of ``tools/study.py``, whose steps with ``tools/test.py`` are read.
        row: Row of the study. None for files of ``tools/test.py``.
        steps: Folder of the steps of the study. Default: ``steps`` beside the file.

    Returns:
        For each result its file, the seed (in a study that of its run, otherwise that of the training, or None) and the content.

    Raises:
        InputError: A file is wrong or missing, the row is unknown, or its runs have no step with ``tools/test.py``.
    """
    content = read_json(path)
    if not (isinstance(content, dict) and 'runs' in content):
        result = _result(content, path)
        return [(str(path), result.seed, result)]
    study = _StudyFile.model_validate(validated(_StudyFile, content, str(path)), strict=True)
    rows = list(dict.fromkeys(run.row for run in study.runs))
    if row not in rows:
        given = 'give --row' if row is None else f'there is no row "{row[:80]}"{nearest(row, rows)}'
        raise InputError(f'{path} is the file of a study: {given}; its rows: {", ".join(rows[:50])}')
    folder = Path(steps) if steps else Path(path).parent / 'steps'
    found: list[tuple[str, int | None, Measured]] = []
    for run in study.runs:
        if run.row == row:
            file = _test_file(run, folder, str(path))
            found.append((str(file), run.seed, read_result(file)))
    if len(found) > MOST_SEEDS * 100:
        raise InputError(f'{path}: row "{row}" has {len(found):,} runs')
    return found


def _test_file(run: _Run, folder: Path, where: str) -> Path:
    """The ``test.json`` of a run: in the output folder of its last step that has one."""
    for step in reversed(run.steps):
        path = inside(folder, f'{step.step}-{step.fingerprint}', 'out', 'test.json', source=where)
        if path.is_file():
            return path
    known = len(list_folders(folder)) if folder.is_dir() else 0
    raise InputError(
        f'{where}: row "{run.row}", column "{run.column}", seed {run.seed}: none of its steps in {folder} ({known} folders) has a '
        'test.json; give the folder of the steps with --steps, or add a step with tools/test.py to the study'
    )
