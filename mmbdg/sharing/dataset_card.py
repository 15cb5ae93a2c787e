"""Card of a shared dataset: ``README.md`` with the metadata that the Hugging Face hub reads."""

from mmbdg.markdown import markdown_table
from mmbdg.sharing.front_matter import card, code_span, file_table
from mmbdg.sharing.image_folder import features
from mmbdg.sharing.layouts import LAYOUTS
from mmbdg.sharing.licences import licence_data, licence_section
from mmbdg.sharing.samples import Shared
from mmbdg.version import __version__

SIZES = ((1_000, 'n<1K'), (10_000, '1K<n<10K'), (100_000, '10K<n<100K'), (1_000_000, '100K<n<1M'), (10_000_000, '1M<n<10M'))
MOST_ROWS = 1000
"""Largest number of classes in the table of a card."""
SCORES = dict(
    classifier_score='score of the class of the image, by the classifier that rejected samples',
    uncertainty='disagreement of the ensemble of interpreters, in nats',
    foreground_ratio='share of the image that is foreground',
)


def dataset_card(shared: Shared, layout: str, name: str, licence: str, files: dict[str, dict]) -> str:
    """Text of the card.

    Args:
        shared: The dataset.
        layout: Name of the layout.
        name: Title.
        licence: Licence of images and masks.
        files: Written files, see :mod:`mmbdg.file_hashes`.
    """
    number = len(shared.dataset.lines)
    size = next((text for most, text in SIZES if number < most), 'n>10M')
    tasks = [*(['image-segmentation'] if shared.dataset.catalogue.has_masks else []), 'image-classification']
    data = licence_data(licence) | dict(pretty_name=name, task_categories=tasks, size_categories=[size])
    data['tags'] = ['mmbdg', 'synthetic', 'bigdatasetgan']
    if pattern := LAYOUTS[layout].hub:
        config = dict(config_name='default', data_files=[dict(split='train', path=pattern)])
        data['configs'] = [config | (dict(features=features(shared)) if layout == 'imagefolder' else {})]
    else:
        data['viewer'] = False
    return card(data, _body(shared, layout, name, licence, files))


def reading_code(layout: str, folder: str, files: dict[str, dict]) -> str:
    """Python code that reads a layout."""
    shards = sorted(file for file in files if file.endswith('.tar'))
    last = shards[-1].split('/')[-1].removesuffix('.tar') if shards else ''
    return LAYOUTS[layout].reading.strip().replace('FOLDER', folder).replace('LAST', last)


def _body(shared: Shared, layout: str, name: str, licence: str, files: dict[str, dict]) -> list[str]:
    info, catalogue = shared.dataset.info, shared.dataset.catalogue
    number, side = len(shared.dataset.lines), catalogue.resolution
    counts = [[code_span(one), code_span(folder), f'{info["counts"].get(folder, 0):,}'] for one, folder in _classes(shared)]
    what = 'images with masks' if catalogue.has_masks else 'images without masks'
    made = f'Written by mmbdg {__version__} in the layout `{layout}`.'
    source = f' Checksum of the dataset it was made from (BLAKE2b): `{info["blake2b"]}`.' if info.get('blake2b') else ''
    scores = [[f'`{score}`', SCORES[score], f'{mean:.4f}'] for score, mean in shared.means.items()]
    left = f'\n\n{len(counts) - MOST_ROWS:,} more classes are in `labels.json`.' if len(counts) > MOST_ROWS else ''
    return [
        f'# {code_span(name)}',
        f'{number:,} {what}, {side} x {side} pixels, of {sum(count > 0 for count in info["counts"].values()):,} classes. {made}{source}',
        f'## Read it\n\n```python\n{reading_code(layout, ".", files)}\n```',
        _labels(shared),
        f'## Image classes\n\n{markdown_table(["class", "folder", "images"], counts[:MOST_ROWS])}{left}',
        f'## Scores\n\n{markdown_table(["column", "meaning", "mean"], scores)}' if scores else '',
        _filters(info.get('filters') or {}),
        licence_section(licence),
        f'## Files\n\n{file_table(files)}',
    ]


def _classes(shared: Shared) -> list[tuple[str, str]]:
    """Name and folder of each class that has images."""
    counts = shared.dataset.info['counts']
    return [(name, folder) for name, folder in zip(shared.names, shared.dataset.catalogue.folders, strict=True) if counts.get(folder)]


def _labels(shared: Shared) -> str:
    catalogue = shared.dataset.catalogue
    if not catalogue.has_masks:
        return ''
    rows = [[code_span(label), str(i)] for i, label in enumerate(catalogue.labels[:MOST_ROWS])]
    more = f' The first {MOST_ROWS:,}; all are in `labels.json`.' if len(catalogue.labels) > MOST_ROWS else ''
    return f'## Labels of the masks\n\nIgnored pixels are {catalogue.ignore}.{more}\n\n{markdown_table(["label", "value"], rows)}'


def _filters(filters: dict[str, dict[str, int]]) -> str:
    """Number of candidates that each filter left over, summed over the classes."""
    sums: dict[str, int] = {}
    for counts in filters.values():
        for name, count in counts.items():
            sums[name] = sums.get(name, 0) + count
    rows = [[code_span(name), f'{count:,}'] for name, count in sums.items()]
    return f'## Filters\n\n{markdown_table(["step", "samples left"], rows)}' if rows else ''
