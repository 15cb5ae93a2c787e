"""Card of a shared labelled generator: ``README.md`` with the metadata that the Hugging Face hub reads."""

from mmbdg.markdown import markdown_table
from mmbdg.sharing.front_matter import card, code_span, file_table
from mmbdg.sharing.licences import licence_data, licence_section
from mmbdg.sources import LabelledGenerator
from mmbdg.version import __version__

MOST_ROWS = 1000
"""Largest number of classes in the table of a card."""
FACTS = ('what', 'command', 'data', 'seed', 'licence')
"""Keys of an entry of ``cards.json`` that the card shows, besides its figures."""
USE = """
import mmbdg

labelled = mmbdg.LabelledGenerator.load('{repository}')  # '{repository}@REVISION' pins a branch, a tag or a commit
image, mask = labelled.sample({folder!r}, 0)  # uint8 ({side}, {side}, 3) and labels ({side}, {side})
"""


def model_card(
    labelled: LabelledGenerator, repository: str, licence: str, figures: dict, made: dict[str, dict], files: dict[str, dict]
) -> str:
    """Text of the card.

    Args:
        labelled: The labelled generator.
        repository: ``org/name``.
        licence: Licence of weights and samples.
        figures: Figures by name, measured by the user.
        made: Entries of ``cards.json`` by file: what it is, the command, data and quality.
        files: Shared files, see :mod:`mmbdg.file_hashes`.
    """
    data = licence_data(licence) | dict(library_name='mmbdg', pipeline_tag='image-segmentation')
    data['tags'] = ['mmbdg', 'bigdatasetgan', 'synthetic-data', 'unconditional-image-generation', 'safetensors']
    labels = [[code_span(label), str(i)] for i, label in enumerate(labelled.labels)]
    classes = [[code_span(name), code_span(folder)] for name, folder in zip(labelled.classes, labelled.folders, strict=True)]
    more = f'\n\n{len(classes) - MOST_ROWS:,} more are in `labelled_generator.json`.' if len(classes) > MOST_ROWS else ''
    settings = [['truncation', code_span(str(labelled.truncation))], ['vote of the ensemble', code_span(labelled.vote)]]
    settings += [['pixels are ignored above a disagreement of (nats)', code_span(str(labelled.ignore_above))]]
    side = labelled.resolution
    rows = [[code_span(name), code_span(_number(value))] for name, value in figures.items()]
    body = [
        f'# {code_span(repository.split("/")[-1])}',
        f'A labelled generator: it makes images of {labelled.num_classes:,} classes in {side} x {side} pixels, each with a mask of '
        f'{len(labelled.labels):,} labels. Written by mmbdg {__version__}.',
        f'## Use\n\n```python\n{_use(labelled, repository)}\n```\n\nOnly JSON and safetensors files are downloaded; no code of this '
        'repository runs. After the download all files are compared with `hashes.json`.',
        f'## Figures\n\n{markdown_table(["figure", "value"], rows)}' if rows else '',
        *(_made(name, entry) for name, entry in made.items()),
        f'## Labels of the masks\n\n{markdown_table(["label", "value"], labels[:MOST_ROWS])}',
        f'## Image classes\n\n{markdown_table(["class", "folder"], classes[:MOST_ROWS])}{more}',
        f'## Settings\n\n{markdown_table(["setting", "value"], settings)}',
        licence_section(licence),
        f'## Files\n\n{file_table(files)}',
    ]
    return card(data, body)


def _use(labelled: LabelledGenerator, repository: str) -> str:
    """Code for the card; a class is named by its number where its folder is more than letters, digits and hyphens."""
    folder: str | int = labelled.folders[0]
    plain = folder.isascii() and folder.replace('-', '').isalnum()
    return USE.strip().format(repository=repository, folder=folder if plain else 0, side=labelled.resolution)


def _made(name: str, entry: dict) -> str:
    """Section about how a file was made and how good it is."""
    rows = [[code_span(key), code_span(_number(value))] for key, value in _flat(entry.get('quality') or {}).items()]
    stated = {key: entry[key] for key in FACTS if entry.get(key) not in (None, '')}
    facts = [f'- {key}: {code_span(_number(value))}' for key, value in stated.items()]
    table = f'\n\n{markdown_table(["figure", "value"], rows)}' if rows else ''
    return f'## {code_span(name)}\n\n' + '\n'.join(facts) + table


def _flat(content: dict, prefix: str = '') -> dict[str, object]:
    """Numbers and texts of nested dicts, by names joined by dots."""
    found: dict[str, object] = {}
    for key, value in content.items():
        found |= _flat(value, f'{prefix}{key}.') if isinstance(value, dict) else {f'{prefix}{key}': value}
    return found


def _number(value: object) -> str:
    return f'{value:g}' if isinstance(value, float) else str(value)[:2000]
