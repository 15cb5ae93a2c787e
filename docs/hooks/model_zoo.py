"""The model zoo: embedded models with their measured figures, and the models of ``model-index.yml`` with their results."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from docstrings import inline
from markdown_tables import table

TEXTS = ('measured_on', '_means', 'see')
"""Endings of the keys of a card's quality that hold explanations."""


def model_zoo(root: Path) -> dict[str, str]:
    """Text by page. Every figure comes from a card or from the index, and was measured."""
    lines = ['# Model zoo', '', 'This page is made from the cards beside the embedded files and from `model-index.yml`. A model without a']
    lines += ['measured result has no figure here.', '', '## Embedded models and data', '']
    lines += ['These files are part of the package. Each was made by the command that is shown with it.', '']
    for path in sorted((root / 'mmbdg' / 'assets').glob('*/cards.json')):
        for name, card in json.loads(path.read_text(encoding='utf-8')).items():
            lines += _embedded(f'{path.parent.name}/{name}', card)
    return {'model_zoo.md': '\n'.join([*lines, *_indexed(root)])}


def _embedded(name: str, card: dict[str, Any]) -> list[str]:
    lines = [f'### {name}', '', f'{inline(card["what"])}.', '', '```bash', *card['command'].split('; '), '```', '']
    figures, notes = _figures(card.get('quality', {}))
    if figures:
        lines += table(['figure', 'value'], figures)
    lines += [f'{note}.\n' for note in notes]
    facts = dict(Data=card['data'], Seed=card.get('seed'), Licence=card['licence'])
    lines += ['  \n'.join(f'{key}: {inline(str(value))}' for key, value in facts.items() if value is not None), '']
    return [*lines, f'SHA-256: `{card["sha256"]}`', '']


def _figures(quality: dict[str, Any], before: str = '') -> tuple[list[list[str]], list[str]]:
    """Rows of figures, and texts that say how they were measured."""
    rows: list[list[str]] = []
    notes: list[str] = []
    for key, value in quality.items():
        name = f'{before}{key}'
        if isinstance(value, dict):
            inner = _figures(value, f'{name}.')
            rows += inner[0]
            notes += inner[1]
        elif isinstance(value, str) and key.endswith(TEXTS):
            notes.append(f'{inline(name.replace("_", " ").capitalize())}: {inline(value)}')
        else:
            rows.append([f'`{name}`', f'{value:,}' if isinstance(value, int) else str(value)])
    return rows, notes


def _models(root: Path) -> Iterator[dict[str, Any]]:
    for name in yaml.safe_load((root / 'model-index.yml').read_text(encoding='utf-8'))['Import']:
        yield from yaml.safe_load((root / name).read_text(encoding='utf-8'))['Models']


def _indexed(root: Path) -> list[str]:
    """Trainings of the index: results first, then the names of those that have none."""
    with_results, others = [], []
    for model in _models(root):
        name = f'[{model["Name"]}](../{model["Config"]})'
        data = model['Metadata']['Training Data']
        for result in model['Results']:
            figures = ', '.join(f'{key} {value}' for key, value in result['Metrics'].items())
            with_results.append([name, data, f'{result["Task"]}, {result["Dataset"]}', figures])
        if not model['Results']:
            others.append([name, data])
    lines = ['## Trainings', '']
    if with_results:
        lines += table(['config', 'training data', 'task', 'result'], with_results)
    lines += ['Their checkpoints are not part of the package. Results over several seeds: [pre-training](pretraining_results.md),']
    lines += ['[ablation](ablation.md), [generators](generators_compared.md), [sources](sources.md), [pasted objects](paste.md).']
    lines += ['', '### Without a result', '']
    lines += ['The index has no result of these configs. Those whose names end in `_in1k` were not run by us.', '']
    return [*lines, *table(['config', 'training data'], others)]
