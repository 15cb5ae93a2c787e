"""Chooses samples of a finished dataset, and writes ``selections/NAME.txt`` and its reports."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmbdg.errors import InputError
from mmbdg.files import check_place, remove_left_over, write_atomically, write_json
from mmbdg.storage.selections import canonical_steps, dataset_checksum, read_file, selection_file, write_selection
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.selections.base import Choice, Samples
from mmbdg.synthesis.selections.pairs_sheet import pairs_sheet
from mmbdg.synthesis.selections.plan import SelectionPlan
from mmbdg.synthesis.selections.report import StepCounts, as_markdown, report_of
from mmbdg.version import __version__


def select(
    root: str | os.PathLike, plan: SelectionPlan, force: bool = False, log: Callable[[str], None] = print, progress: bool = False
) -> Path:
    """Choose samples of a dataset. The same dataset and steps give the same bytes. The dataset is not changed.

    Args:
        root: Folder of a finished dataset, in folders or shards.
        plan: Name and steps of the selection.
        force: Whether to replace an existing selection of this name that was made by other steps or is damaged. Default:
            False.
        log: Function that gets the lines of the log. Default: print.
        progress: Whether to show progress bars. Default: False.

    Returns:
        Path of ``selections/NAME.txt`` in the dataset. ``NAME.json`` and ``NAME.md`` hold the report: the kept samples of each class after
        each step. For a step that compares images, ``NAME.<number of the step>.html`` shows the pairs of similar images.

    Raises:
        InputError: The dataset is missing, unfinished or damaged; a selection of this name was made by other steps; the
            samples lack a value that a step needs; or no sample is left.
    """
    steps = plan.build()
    identities = [step.identity() for step in steps]
    dataset = StoredDataset(root)
    path = selection_file(root, plan.name)
    if os.path.lexists(path) and not force:
        _check_same(path, root, identities)
    remove_left_over(path.parent)
    check_place(path)
    counts, places = [], dataset.places
    for number, step in enumerate(steps):
        samples = Samples(dataset, places, progress)
        choice = step.choose(samples)
        places = samples.places[choice.kept]
        counts.append(StepCounts.of(samples, choice))
        if choice.pairs:
            _write_sheet(
                selection_file(root, plan.name, f'.{number + 1}.html'), f'{plan.name}: {identities[number]["type"]}', samples, choice
            )
        if not len(places):
            raise InputError(f'selection.steps.{number} keeps no sample of {root}: relax it ({identities[number]})')
    made = dict(name=plan.name, steps=identities, versions=dict(mmbdg=__version__), dataset=dataset_checksum(root, dataset.info))
    report = report_of(dataset, made, counts)
    markdown = as_markdown(report)
    write_json(selection_file(root, plan.name, '.json'), report)
    write_atomically(selection_file(root, plan.name, '.md'), lambda part: part.write_text(markdown, encoding='utf-8'))
    write_selection(root, made, dataset.info, dataset.index.part(places))
    for line in _lines(report):
        log(line)
    return path


def _check_same(path: Path, root: str | os.PathLike, identities: list[dict[str, Any]]) -> None:
    """Check that a selection was made by these steps.

    Raises:
        InputError: It was made by other steps, or is damaged.
    """
    header, _ = read_file(path, root)
    if canonical_steps(header['steps']) != canonical_steps(identities):
        raise InputError(
            f'{path} was made by other steps:\n  {canonical_steps(header["steps"])} in the file,\n  {canonical_steps(identities)} now.\n'
            'Choose another selection.name (--name), or replace it with --force'
        )


def _write_sheet(path: Path, title: str, samples: Samples, choice: Choice) -> None:
    """Write the page of a step's pairs."""
    page = pairs_sheet(title, samples, choice.pairs)
    write_atomically(path, lambda part: part.write_text(page, encoding='utf-8'))


def _lines(report: dict[str, Any]) -> list[str]:
    total, empty = report['total'], [row['folder'] for row in report['classes'] if not row['kept']]
    lines = [f'{total["kept"]:,} of {total["samples"]:,} samples chosen (selections/{report["name"]}.txt; for each class: .md, .json)']
    if empty:
        more = ', ...' if len(empty) > 10 else ''
        lines.append(f'{len(empty)} of {len(report["classes"])} classes have no sample left: {", ".join(empty[:10])}{more}')
    return lines
