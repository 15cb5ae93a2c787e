"""Marked samples of a dataset as selections."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError
from mmbdg.explorer.dataset_view import DatasetView
from mmbdg.storage.selections import read_file, selection_file
from mmbdg.synthesis.selections import SelectionPlan, select

STEP = 'mmbdg.ListedSamples'


def read_marks(view: DatasetView, name: str) -> dict[str, Any] | None:
    """Return the samples that a selection lists, and whether it keeps them: ``samples`` and ``keep``. None if there is no such selection.

    Raises:
        InputError: The selection was made by other steps than a list of samples, or is damaged.
    """
    path = selection_file(view.stored.root, name)
    if not path.is_file():
        return None
    header, _ = read_file(path, view.stored.root)
    steps = header['steps']
    if len(steps) != 1 or steps[0].get('type') != STEP:
        raise InputError(f'the selection "{name}" was made by other steps, not by marking samples: choose another name')
    return dict(samples=list(steps[0]['samples']), keep=bool(steps[0]['keep']))


def write_marks(view: DatasetView, name: str, samples: Sequence[str], keep: bool) -> Path:
    """Write a selection of the marked samples (``keep``) or of all others. A selection of this kind and name is replaced.

    Args:
        view: View of the whole dataset.
        name: Name of the selection.
        samples: Titles of the samples, ``<class folder>/<id>``.
        keep: Whether the marked samples are kept.

    Raises:
        InputError: A selection of this name was made by other steps, a sample does not exist, or no sample would be left.
    """
    read_marks(view, name)
    plan = SelectionPlan(name, [dict(type=STEP, samples=list(samples), keep=keep)])
    with view.lock:
        return select(view.stored.root, plan, force=True, log=lambda line: None)
