"""The leaderboard as numbers: entries by domain with mean and spread, and the paper's figures."""

from collections.abc import Sequence
from statistics import mean, stdev
from typing import Any

from mmbdg.leaderboard import paper_table2
from mmbdg.leaderboard.domains import DOMAINS, IMAGENET, Domain
from mmbdg.leaderboard.entry import Entry
from mmbdg.leaderboard.read_entries import NamedEntry

FORMAT = 'mmbdg leaderboard 1'


def summary(entries: Sequence[NamedEntry]) -> dict[str, Any]:
    """Content of ``leaderboard.json``.

    Args:
        entries: Checked entries.

    Returns:
        ``domains``, each with its tasks, its ``entries`` and the ``paper``'s rows or None. An entry has its file name and all of its keys;
        each task has ``mean`` and ``spread`` (standard deviation over the seeds, n - 1; None for one seed). ``mean`` and ``spread`` of an
        entry are those of its seeds' means over all tasks of the domain; None if it lacks a task. Entries are ordered by ``mean``, largest
        first, then by the number of tasks and the mean over these.
    """
    return dict(format=FORMAT, domains=[_domain(domain, entries) for domain in DOMAINS.values()])


def _domain(domain: Domain, entries: Sequence[NamedEntry]) -> dict[str, Any]:
    rows = [_row(domain, file, entry) for file, entry in entries if entry.domain == domain.name]
    rows.sort(key=lambda row: (-(row['mean'] or 0), -len(row['tasks']), -mean(task['mean'] for task in row['tasks'].values())))
    return dict(
        name=domain.name,
        title=domain.title,
        test_set=domain.test_set,
        tasks={task.name: dict(title=task.title, labels=len(task.labels)) for task in domain.tasks},
        entries=rows,
        paper=_paper() if domain is IMAGENET else None,
    )


def _row(domain: Domain, file: str, entry: Entry) -> dict[str, Any]:
    tasks = {name: entry.tasks[name] for name in domain.by_name if name in entry.tasks}
    figures = {
        name: task.model_dump() | dict(mean=mean(task.mIoU), spread=stdev(task.mIoU) if len(task.mIoU) > 1 else None)
        for name, task in tasks.items()
    }
    over_tasks = [mean(values) for values in zip(*(task.mIoU for task in tasks.values()), strict=True)]
    complete = len(tasks) == len(domain.tasks)
    return dict(
        file=file,
        **entry.model_dump(exclude={'format', 'domain', 'tasks'}),
        tasks=figures,
        mean=mean(over_tasks) if complete else None,
        spread=stdev(over_tasks) if complete and len(over_tasks) > 1 else None,
    )


def _paper() -> dict[str, Any]:
    rows = [dict(method=row.method, training=list(row.training), tasks=row.figures, mean=row.mean) for row in paper_table2.ROWS]
    return dict(source=paper_table2.SOURCE, backbone=paper_table2.BACKBONE, rows=rows)
