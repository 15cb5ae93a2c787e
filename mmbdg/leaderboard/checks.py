"""Checks of entries: what is wrong within one, and what does not fit between several."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import mean

from mmbdg.errors import InputError, nearest
from mmbdg.leaderboard.domains import DOMAINS, Domain
from mmbdg.leaderboard.entry import DATA_KINDS, OFFLINE, ONLINE, Data, Entry, Figures

ROUNDING = 0.05 + 1e-6
"""Largest difference of a mean in an entry from that of its figures: half of the last digit, with one decimal."""


def check_entry(entry: Entry, where: str) -> None:
    """Check an entry by itself.

    Args:
        entry: Entry that follows the schema.
        where: Name of its file, for messages.

    Raises:
        InputError: The first problem found.
    """
    domain = DOMAINS.get(entry.domain)
    if domain is None:
        raise InputError(f'{where}: unknown domain "{entry.domain}"{nearest(entry.domain, DOMAINS)}; known: {", ".join(DOMAINS)}')
    _check_data(entry.data, where)
    _refuse_twice(entry.seeds, f'{where}: seeds holds')
    if entry.date > (datetime.now(UTC) + timedelta(days=1)).date().isoformat():  # it may be tomorrow somewhere
        raise InputError(f'{where}: the date {entry.date} is in the future')
    for name, figures in entry.tasks.items():
        _check_task(entry, domain, name, figures, f'{where}: task "{name}"')
    if all(value <= 1 for figures in entry.tasks.values() for value in figures.mIoU):
        raise InputError(f'{where}: all figures are at most 1; mIoU is given in percent, 0 to 100, not as a fraction')


def _check_data(data: Data, where: str) -> None:
    for key, kinds in dict(training=data.training, pretraining=data.pretraining).items():
        for kind in kinds:
            if kind not in DATA_KINDS:
                raise InputError(f'{where}: data.{key}: unknown data "{kind}"{nearest(kind, DATA_KINDS)}; known: {", ".join(DATA_KINDS)}')
        _refuse_twice(kinds, f'{where}: data.{key} names')
    used = {*data.training, *data.pretraining}
    if used & set(ONLINE):
        if data.synthetic is not None:
            raise InputError(f'{where}: data.synthetic must be null, because {ONLINE[0]} is made during a training; got {data.synthetic:,}')
    elif data.synthetic is None or (data.synthetic > 0) != bool(used & set(OFFLINE)):
        raise InputError(
            f'{where}: data.synthetic is {data.synthetic}, which does not fit the data used ({", ".join(sorted(used))}): give the number '
            'of synthetic images, 0 if there are none'
        )


def _check_task(entry: Entry, domain: Domain, name: str, figures: Figures, at: str) -> None:
    task = domain.by_name.get(name)
    if task is None:
        other = next((one for one in DOMAINS.values() if name in one.by_name), None)
        hint = f'; it is one of {other.title}' if other else nearest(name, domain.by_name)
        raise InputError(f'{at} is none of {domain.title} ({", ".join(domain.by_name)}){hint}')
    if figures.labels != len(task.labels):
        raise InputError(
            f'{at}: its figures are over {figures.labels} labels, but the task has {len(task.labels)} with the background: they were '
            'measured in another label space'
        )
    if task.test_set not in (None, (figures.test_set.images, figures.test_set.sha256)):
        images, checksum = task.test_set
        raise InputError(
            f'{at}: its figures are of another test set: {_told(figures)}, not the {images:,} images with checksum {checksum[:12]} of '
            f'{domain.title}: measure on the whole test set, without other options for it'
        )
    for key, values in dict(mIoU=figures.mIoU, checkpoints=figures.checkpoints).items():
        if len(values) != len(entry.seeds):
            raise InputError(f'{at} has {len(values)} {key} for {len(entry.seeds)} seeds: give one for each seed, in their order')
    _refuse_twice(figures.checkpoints, f'{at}: checkpoints holds', 'two seeds have two checkpoints')
    for value in figures.mIoU:
        if not 0 <= value <= 100:
            raise InputError(f'{at}: an mIoU of {value:g} % is impossible: give percent, 0 to 100')
    if abs(figures.mean - mean(figures.mIoU)) > ROUNDING:
        raise InputError(f'{at}: the mean {figures.mean:g} is not that of its figures, which is {mean(figures.mIoU):.2f}')


def check_together(entries: Sequence[tuple[str, Entry]]) -> None:
    """Check that entries were measured on the same test sets, and that none occurs twice.

    Args:
        entries: Names of files, and entries.

    Raises:
        InputError: The first problem found.
    """
    test_sets: dict[tuple, tuple] = {}
    checkpoints: dict[tuple, str] = {}
    rows: dict[tuple, str] = {}
    for where, entry in entries:
        for name, figures in entry.tasks.items():
            key = entry.domain, name
            first, test_set = test_sets.setdefault(key, (where, figures.test_set))
            if figures.test_set != test_set:
                raise InputError(
                    f'{where}: the figures of task "{name}" are of another test set than those of {first}: {_told(figures)}, not '
                    f'{test_set.images:,} images with checksum {test_set.sha256[:12]}: measure all on the same one'
                )
            for checksum in figures.checkpoints:
                first = checkpoints.setdefault((*key, checksum), where)
                if first != where:
                    raise InputError(
                        f'{where}: the checkpoint {checksum[:12]} of task "{name}" is in {first} too: remove one of the entries'
                    )
        row = _identity(entry)
        if row in rows:
            raise InputError(
                f'{where} is the same method, with the same data and configs, as {rows[row]}: remove one, or put the seeds into one entry'
            )
        rows[row] = where


def _identity(entry: Entry) -> tuple:
    """What makes two entries one row."""
    configs = tuple(sorted((name, figures.config, *figures.options) for name, figures in entry.tasks.items()))
    data = tuple(sorted(entry.data.training)), tuple(sorted(entry.data.pretraining)), entry.data.synthetic
    return entry.domain, entry.method, entry.pretraining, entry.backbone, data, configs


def _told(figures: Figures) -> str:
    return f'{figures.test_set.images:,} images with checksum {figures.test_set.sha256[:12]}'


def _refuse_twice(values: Iterable, what: str, why: str = '') -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise InputError(f'{what} {str(value)[:40]} twice{": " if why else ""}{why}')
        seen.add(value)
