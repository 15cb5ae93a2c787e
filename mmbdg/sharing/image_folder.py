"""Layout ``imagefolder`` of the library ``datasets``: image files, mask files and ``metadata.jsonl``.

.. code-block:: none

    train/images/<class number>_<id>.png|jpg
    train/masks/<class number>_<id>.png
    train/metadata.jsonl                        file_name, mask_file_name, label, sample, class, scores

The loader opens the columns ``file_name`` and ``mask_file_name`` as pictures, and names them ``image`` and ``mask``.
"""

from pathlib import Path

from mmbdg.sharing.labels import write_labels
from mmbdg.sharing.options import Options, progress_bar
from mmbdg.sharing.samples import Shared, key_of
from mmbdg.storage.manifest import write_jsonl

METADATA = 'train/metadata.jsonl'
MOST_FILES = 10_000
"""Number of files in one folder that the hub accepts."""


def write_image_folder(shared: Shared, out: Path, options: Options) -> list[str]:
    """Write the layout into an existing folder, and return remarks about it.

    Raises:
        InputError: A file of the dataset is missing or damaged.
    """
    rows = []
    for kind in ('images', 'masks') if shared.dataset.catalogue.has_masks else ('images',):
        (out / 'train' / kind).mkdir(parents=True)
    for line in progress_bar(shared.dataset.lines, options):
        key = key_of(line)
        row = dict(file_name=f'images/{key}{shared.suffix}')
        (out / 'train' / row['file_name']).write_bytes(shared.image(line))
        if shared.dataset.catalogue.has_masks:
            row['mask_file_name'] = f'masks/{key}.png'
            (out / 'train' / row['mask_file_name']).write_bytes(shared.mask(line))
        rows.append(row | shared.row(line))
    write_jsonl(out / METADATA, rows)
    write_labels(shared, out)
    if len(rows) > MOST_FILES:
        return [f'the hub accepts {MOST_FILES:,} files in a folder, there are {len(rows):,}: use the layout webdataset for an upload']
    return []


def features(shared: Shared) -> list[dict]:
    """Columns and types as the metadata of a dataset card states them."""
    names = {str(i): name for i, name in enumerate(shared.names)}
    pictures = ['image', *(['mask'] if shared.dataset.catalogue.has_masks else [])]
    return [
        *(dict(name=name, dtype='image') for name in pictures),
        dict(name='label', dtype=dict(class_label=dict(names=names))),
        *(dict(name=name, dtype='string') for name in ('sample', 'class')),
        *(dict(name=score, dtype='float64') for score in shared.scores),
    ]
