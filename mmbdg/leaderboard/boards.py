"""The tables of the HTML page: columns, and cells with their text and the value that they are sorted by."""

from typing import Any

from mmbdg.leaderboard.entry import DATA_KINDS
from mmbdg.leaderboard.links import Links

NOTHING = '–'
Cell = dict[str, Any]


def board(domain: dict[str, Any], links: Links) -> dict[str, Any]:
    """Table of a domain.

    Args:
        domain: A domain of :func:`mmbdg.leaderboard.summary.summary`.
        links: Targets of links.

    Returns:
        ``heads`` (``key``, ``title``, ``numeric``), ``rows`` (``paper``, ``kinds``, ``cells``) and the texts of the domain. A cell has a
        ``text``, a ``value`` to sort by ('' if there is none), and maybe ``link``, ``spread``, ``note`` and ``links``.
    """
    tasks = domain['tasks']
    heads = [
        *(_head(key, key.capitalize()) for key in ('method', 'source')),
        _head('data', 'Trained on'),
        *(_head(name, task['title'], True) for name, task in tasks.items()),
        *(_head(key, key.capitalize(), True) for key in ('mean', 'seeds')),
        _head('pretraining', 'Pre-training'),
        _head('backbone', 'Backbone'),
        *(_head(key, key.capitalize(), True) for key in ('synthetic', 'images', 'labels', 'masks')),
        _head('date', 'Date'),
        _head('links', 'Links'),
    ]
    rows = [_entry_row(entry, tasks, links) for entry in domain['entries']]
    if domain['paper']:
        rows += [_paper_row(row, domain['paper']['backbone'], tasks) for row in domain['paper']['rows']]
    kinds = {kind for row in rows for kind in row['kinds']}
    return dict(
        name=domain['name'],
        title=domain['title'],
        test_set=domain['test_set'],
        heads=heads,
        rows=rows,
        entries=len(domain['entries']),
        paper=domain['paper']['source'] if domain['paper'] else None,
        kinds={kind: text for kind, text in DATA_KINDS.items() if kind in kinds},
    )


def _head(key: str, title: str, numeric: bool = False) -> dict[str, Any]:
    return dict(key=key, title=title, numeric=numeric)


def _entry_row(entry: dict[str, Any], tasks: dict[str, Any], links: Links) -> dict[str, Any]:
    data = entry['data']
    also = [(name, links.target(entry[name])) for name in ('docs', 'weights')]
    notes = [entry['note'], f'by {entry["submitted_by"]}' if entry['submitted_by'] else '']
    cells = [
        _text(entry['method'], note='; '.join(filter(None, notes))),
        _text('entry'),
        _text(_kinds(data['training']), note=data['note']),
        *(_figure(entry['tasks'].get(name), links) for name in tasks),
        _mean(entry['mean'], entry['spread']),
        _number(len(entry['seeds']), str(len(entry['seeds']))),
        _text(entry['pretraining'], note=_kinds(data['pretraining'])),
        _text(entry['backbone']),
        _number(data['synthetic'], f'{data["synthetic"]:,}') if data['synthetic'] is not None else _text('online') | dict(value=''),
        *(_number(data[key], f'{data[key]:,}') for key in ('images', 'labels', 'masks')),
        _text(entry['date']),
        _text('') | dict(links=[dict(text=text, target=target) for text, target in also if target]),
    ]
    return dict(paper=False, kinds=list(dict.fromkeys([*data['training'], *data['pretraining']])), cells=cells)


def _paper_row(row: dict[str, Any], backbone: str, tasks: dict[str, Any]) -> dict[str, Any]:
    cells = [
        _text(row['method']),
        _text('paper'),
        _text(_kinds(row['training'])),
        *(_number(row['tasks'][name], f'{row["tasks"][name]:.1f}') for name in tasks),
        _number(row['mean'], f'{row["mean"]:.1f}'),
        _missing(),
        _text(row['method'].partition(' + ')[0]),
        _text(backbone),
        *(_missing() for _ in ('synthetic', 'images', 'labels', 'masks')),
        _missing(),
        _text(''),
    ]
    return dict(paper=True, kinds=row['training'], cells=cells)


def _kinds(kinds: list[str]) -> str:
    return ' + '.join(DATA_KINDS[kind] for kind in kinds)


def _figure(task: dict[str, Any] | None, links: Links) -> Cell:
    """Mean and spread of a task; the mean is a link to its config."""
    if task is None:
        return _missing()
    seeds = ', '.join(f'{value:.2f}' for value in task['mIoU'])
    return _mean(task['mean'], task['spread']) | dict(link=links.target(task['config']), title=f'seeds: {seeds}; config: {task["config"]}')


def _mean(value: float | None, spread: float | None) -> Cell:
    return _missing() if value is None else _number(value, f'{value:.1f}') | dict(spread=None if spread is None else f'{spread:.1f}')


def _number(value: float, text: str) -> Cell:
    return _text(text) | dict(value=repr(value))


def _missing() -> Cell:
    return _text(NOTHING) | dict(value='')


def _text(text: str, note: str = '') -> Cell:
    return dict(text=text, value=text, note=note, link=None, links=[], spread=None, title='')
