"""Reports of a selection: the kept samples of each class after each step, as JSON and as a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mmbdg.markdown import markdown_table, plain_markdown
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.selections.base import Choice, Samples


class StepCounts(NamedTuple):
    """Kept samples of each class after a step."""

    kept: np.ndarray
    """Number of kept samples of each class, int64 (C,)."""
    thresholds: dict[int, float]
    """See :class:`~mmbdg.synthesis.selections.Choice`."""

    @classmethod
    def of(cls, samples: Samples, choice: Choice) -> 'StepCounts':
        """Count the kept samples of a step."""
        classes = len(samples.dataset.index.folders)
        return cls(np.bincount(samples.class_ids[choice.kept], minlength=classes), choice.thresholds)


def report_of(dataset: StoredDataset, header: dict[str, Any], steps: Sequence[StepCounts]) -> dict[str, Any]:
    """Return the content of ``selections/NAME.json``.

    Args:
        dataset: Whole dataset.
        header: Name, steps, versions and dataset checksum of the selection.
        steps: Counts of each step.
    """
    index, total = dataset.index, np.bincount(dataset.index.class_ids, minlength=len(dataset.index.folders))
    names = list(dataset.catalogue.classes)
    classes = [
        dict(
            name=names[class_id],
            folder=index.folders[class_id],
            samples=int(total[class_id]),
            steps=[dict(kept=int(step.kept[class_id]), threshold=step.thresholds.get(class_id)) for step in steps],
            kept=int(steps[-1].kept[class_id]),
        )
        for class_id in index.present_classes()
    ]
    return dict(**header, total=dict(samples=int(total.sum()), kept=int(steps[-1].kept.sum())), classes=classes)


def as_markdown(report: dict[str, Any]) -> str:
    """Return the report as Markdown: a table with one row per class and one column per step."""
    types = [str(step['type']).removeprefix('mmbdg.') for step in report['steps']]
    heads = ['class', 'samples', *(f'{number}. {kind}' for number, kind in enumerate(types, start=1)), 'kept']
    rows = [[plain_markdown(row['name']), f'{row["samples"]:,}', *map(_cell, row['steps']), _share(row)] for row in report['classes']]
    rows.append(['**all**', f'{report["total"]["samples"]:,}', *[''] * len(types), _share(report['total'])])
    steps = '\n'.join(f'{number}. {plain_markdown(_described(step))}' for number, step in enumerate(report['steps'], start=1))
    return (
        f'# Selection {plain_markdown(report["name"])}\n\n{steps}\n\n{markdown_table(heads, rows)}\n\n'
        'The column of a step has the number of kept samples. For steps that rank, the value of the last kept sample is given in '
        'brackets.\n'
    )


def _cell(step: dict[str, Any]) -> str:
    return f'{step["kept"]:,}' + ('' if step['threshold'] is None else f' ({step["threshold"]:.4g})')


def _share(row: dict[str, Any]) -> str:
    return f'{row["kept"]:,} ({100 * row["kept"] / row["samples"]:.1f} %)'


def _described(step: dict[str, Any]) -> str:
    arguments = ', '.join(f'{key} {_shortened(value)}' for key, value in step.items() if key != 'type')
    return f'{step["type"]}: {arguments}'


def _shortened(value: Any) -> str:
    """Text of an argument. Of a long list the number of its entries: the report as JSON has them all."""
    return f'({len(value):,} entries)' if isinstance(value, list) and len(value) > 20 else str(value)
