"""Makes an entry from result files, so that nobody types figures."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from mmbdg.errors import InputError, nearest
from mmbdg.leaderboard.checks import check_together
from mmbdg.leaderboard.domains import DOMAINS, Domain, Task
from mmbdg.leaderboard.entry import FORMAT, Entry
from mmbdg.leaderboard.links import check_in_repository, is_https
from mmbdg.leaderboard.read_entries import parsed_entry
from mmbdg.leaderboard.result_files import METRIC, Measured


class About(NamedTuple):
    """What result files do not say. See :class:`mmbdg.leaderboard.entry.Entry` for the meaning.

    Args:
        domain: Name of the domain.
        method: Name of the method.
        pretraining: Name of the pre-training.
        backbone: Backbone.
        training: Names of the data that the segmentor was trained on.
        pretraining_data: Names of the data that the backbone was trained on before.
        synthetic: Number of synthetic images; None: made during a training.
        consumed: Numbers of images, labels and masks.
        consumed_note: Which part needed them. Default: ''.
        config: Address of the config of all tasks. Default: None, the configs of the result files.
        docs: Page about the method. Default: None.
        weights: Address of the weights. Default: None.
        submitted_by: Name of a person or group. Default: ''.
        note: What else a reader should know. Default: ''.
    """

    domain: str
    method: str
    pretraining: str
    backbone: str
    training: Sequence[str]
    pretraining_data: Sequence[str]
    synthetic: int | None
    consumed: tuple[int, int, int]
    consumed_note: str = ''
    config: str | None = None
    docs: str | None = None
    weights: str | None = None
    submitted_by: str = ''
    note: str = ''


def new_entry(
    about: About, results: Sequence[tuple[str, int | None, Measured]], root: Path, seeds: Sequence[int] | None = None
) -> tuple[dict[str, Any], Entry]:
    """Make an entry and check it as a submitted one.

    Args:
        about: What result files do not say.
        results: File, seed and content of each result. Their labels tell the task.
        root: Folder of the repository.
        seeds: Seeds of the results of each task in their order, if the checkpoints have none. Default: None.

    Returns:
        The entry as JSON content, and as an object.

    Raises:
        InputError: The results do not fit together or to the domain, or a check of :mod:`mmbdg.leaderboard.checks` fails.
    """
    domain = DOMAINS.get(about.domain)
    if domain is None:
        raise InputError(f'unknown domain "{about.domain}"{nearest(about.domain, DOMAINS)}; known: {", ".join(DOMAINS)}')
    by_task: dict[str, list[tuple[str, int | None, Measured]]] = {}
    for file, seed, result in results:
        by_task.setdefault(_task_of(result, domain, file).name, []).append((file, seed, result))
    tasks, common = {}, None
    for name in (task.name for task in domain.tasks if task.name in by_task):
        seeded = _with_seeds(name, by_task[name], seeds)
        if common is not None and sorted(seeded) != common:
            raise InputError(f'the tasks have results of different seeds: {common} and, of "{name}", {sorted(seeded)}')
        common = sorted(seeded)
        tasks[name] = _figures(name, domain.by_name[name], [seeded[seed] for seed in common], about.config, root)
    images, labels, masks = about.consumed
    content = dict(
        format=FORMAT,
        domain=about.domain,
        method=about.method,
        pretraining=about.pretraining,
        backbone=about.backbone,
        data=dict(
            training=list(about.training),
            pretraining=list(about.pretraining_data),
            synthetic=about.synthetic,
            images=images,
            labels=labels,
            masks=masks,
            note=about.consumed_note,
        ),
        seeds=common or [],
        tasks=tasks,
        date=datetime.now(UTC).date().isoformat(),
        version=', '.join(sorted({result.version for _, _, result in results})),
        docs=about.docs,
        weights=about.weights,
        submitted_by=about.submitted_by,
        note=about.note,
    )
    entry = parsed_entry(content, 'the new entry')
    for address in {*(figures.config for figures in entry.tasks.values()), entry.docs} - {None}:
        check_in_repository(str(address), root, 'the new entry')
    check_together([('the new entry', entry)])
    return content, entry


def _task_of(result: Measured, domain: Domain, file: str) -> Task:
    labels = result.test_set.labels
    task = domain.task_with(labels)
    if task is None:
        known = '; '.join(f'{one.name}: {_shown(one.labels)}' for one in domain.tasks)
        raise InputError(f'{file}: its labels {_shown(labels)} are of no task of {domain.title}. Tasks and labels: {known}')
    return task


def _shown(labels: Sequence[str]) -> str:
    return ', '.join(labels[:3]) + (f', ... ({len(labels)})' if len(labels) > 3 else '')


def _with_seeds(
    name: str, results: Sequence[tuple[str, int | None, Measured]], given: Sequence[int] | None
) -> dict[int, tuple[str, Measured]]:
    """Results of a task by seed."""
    if given is not None and len(given) != len(results):
        raise InputError(f'task "{name}" has {len(results)} results, but --seeds names {len(given)} seeds: give one for each')
    found: dict[int, tuple[str, Measured]] = {}
    for index, (file, own, result) in enumerate(results):
        seed = own if given is None else given[index]
        if seed is None:
            raise InputError(f'{file} does not say the seed of its training: give --seeds, in the order of the files')
        if own is not None and own != seed:
            raise InputError(f'{file}: the seed of its training is {own}, but --seeds says {seed}')
        if seed in found:
            raise InputError(f'{file} and {found[seed][0]} are both results of task "{name}" with seed {seed}: give one of them')
        found[seed] = file, result
    return found


def _figures(name: str, task: Task, results: Sequence[tuple[str, Measured]], config: str | None, root: Path) -> dict[str, Any]:
    (first, measured), test_set = results[0], results[0][1].test_set
    for file, result in results:
        if result.test_set != test_set:
            raise InputError(f'{file} and {first} are results of task "{name}", but of different test sets: measure all on the same one')
        if result.options != measured.options:
            raise InputError(
                f'{file} and {first} are results of task "{name}", but with different options: {_text(result)}, {_text(measured)}'
            )
        if result.config != measured.config and config is None:
            raise InputError(
                f'{file} and {first} are results of task "{name}", but of different configs: {result.config}, {measured.config}'
            )
    values = [float(result.metrics[METRIC]) for _, result in results]
    return dict(
        config=config or _in_repository(measured.config, root, first),
        options=measured.options,
        labels=len(task.labels),
        mIoU=values,
        mean=mean(values),
        checkpoints=[result.checkpoint_sha256 for _, result in results],
        test_set=dict(images=test_set.images, sha256=test_set.sha256),
    )


def _text(result: Measured) -> str:
    return ' '.join(result.options) or 'none'


def _in_repository(config: str, root: Path, file: str) -> str:
    """Path of a config relative to the repository."""
    if is_https(config):
        return config
    real, top = Path(os.path.realpath(root / config)), Path(os.path.realpath(root))
    if top not in real.parents:
        raise InputError(f'{file}: its config {config} is not in this repository: add it, or give its address with --config')
    return real.relative_to(top).as_posix()
