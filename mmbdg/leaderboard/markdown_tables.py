"""The leaderboard as Markdown: one table for each domain, and the paper's table."""

import re
from typing import Any

from mmbdg.html_page import without_schemes
from mmbdg.leaderboard.entry import DATA_KINDS
from mmbdg.leaderboard.links import Links
from mmbdg.markdown import markdown_table, plain_markdown

SIGNS = str.maketrans({sign: f'\\{sign}' for sign in '*_~'})
"""Signs of emphasis."""


def as_markdown(content: dict[str, Any], links: Links) -> str:
    """Content of ``leaderboard.md``.

    Args:
        content: See :func:`mmbdg.leaderboard.summary.summary`.
        links: Targets of links.
    """
    parts = [
        '# Leaderboard',
        'mIoU in percent: mean ± standard deviation (n - 1) over the seeds. Each figure is a link to its config. '
        'Mean: over all tasks of the domain.',
    ]
    for domain in content['domains']:
        parts.append(f'## {domain["title"]}')
        parts.append(f'Test set: {domain["test_set"]}.')
        parts.append(_entries(domain, links) if domain['entries'] else 'No entries yet.')
        if domain['paper']:
            parts += [f"### The paper's figures\n\nNot measured here. {domain['paper']['source']}.", _paper(domain)]
    return '\n\n'.join(parts) + '\n'


def _entries(domain: dict[str, Any], links: Links) -> str:
    tasks = domain['tasks']
    heads = [
        'Method',
        'Pre-training',
        'Backbone',
        'Trained on',
        'Consumed',
        *(task['title'] for task in tasks.values()),
        'Mean',
        'Seeds',
        'Date',
    ]
    rows = []
    for entry in domain['entries']:
        data = entry['data']
        consumed = ', '.join(f'{data[key]:,} {key}' for key in ('images', 'labels', 'masks') if data[key]) or 'nothing'
        rows.append(
            [
                _plain(entry['method']),
                _plain(entry['pretraining']) + (f' ({_kinds(data["pretraining"])})' if data['pretraining'] else ''),
                _plain(entry['backbone']),
                _kinds(data['training']),
                consumed,
                *(_figure(entry['tasks'].get(name), links) for name in tasks),
                _mean(entry['mean'], entry['spread']),
                str(len(entry['seeds'])),
                entry['date'],
            ]
        )
    return markdown_table(heads, rows)


def _paper(domain: dict[str, Any]) -> str:
    heads = ['Method (paper)', 'Trained on', *(task['title'] for task in domain['tasks'].values()), 'Mean']
    rows = [
        [
            row['method'],
            _kinds(row['training']),
            *(f'{row["tasks"][name]:.1f}' for name in domain['tasks']),
            f'{row["mean"]:.1f}',
        ]
        for row in domain['paper']['rows']
    ]
    return markdown_table(heads, rows)


def _kinds(kinds: list[str]) -> str:
    return ' + '.join(DATA_KINDS[kind] for kind in kinds)


def _figure(task: dict[str, Any] | None, links: Links) -> str:
    if task is None:
        return '–'
    text, target = _mean(task['mean'], task['spread']), links.target(task['config'])
    figure, sign, spread = text.partition(' ± ')
    return f'[{figure}](<{target}>){sign}{spread}' if target else text


def _mean(value: float | None, spread: float | None) -> str:
    return '–' if value is None else f'{value:.1f}' + ('' if spread is None else f' ± {spread:.1f}')


def _plain(text: str) -> str:
    """Text of an entry, in which nothing becomes a link or emphasis."""
    text = plain_markdown(without_schemes(text)).translate(SIGNS)
    text = re.sub(r'(www)\.', r'\1\.', text, flags=re.IGNORECASE)  # GitHub makes links of them
    return text.replace('@', '@<!-- -->')  # and of e-mail addresses, even if the sign is escaped
