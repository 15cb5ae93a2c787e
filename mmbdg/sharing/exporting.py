"""Writes a dataset in one of the layouts that other libraries read, with a card and checksums."""

import os
from pathlib import Path

from mmbdg.errors import InputError, nearest
from mmbdg.file_hashes import write_hashes
from mmbdg.files import whole_folder
from mmbdg.sharing.croissant import write_croissant
from mmbdg.sharing.dataset_card import dataset_card
from mmbdg.sharing.front_matter import one_line
from mmbdg.sharing.layouts import LAYOUTS
from mmbdg.sharing.options import Options
from mmbdg.sharing.samples import Shared
from mmbdg.storage.stored import StoredDataset


def export(
    dataset: StoredDataset,
    out: str | os.PathLike,
    layout: str,
    name: str = '',
    licence: str = '',
    options: Options | None = None,
) -> list[str]:
    """Write a dataset into a new folder; the same dataset gives the same bytes.

    Args:
        dataset: The dataset, in folders or shards.
        out: Folder to create.
        layout: Name of the layout, a key of :data:`~mmbdg.sharing.LAYOUTS`.
        name: Title of the card. Default: the name of the dataset's folder.
        licence: Licence of images and masks. Default: that of the dataset.
        options: Options of the layouts. Default: those of :class:`~mmbdg.sharing.Options`.

    Returns:
        Remarks for the user, e.g. what the layout cannot hold.

    Raises:
        InputError: The layout is unknown or needs masks, the folder exists, or a file of the dataset is missing or damaged.
    """
    options = options or Options()
    if layout not in LAYOUTS:
        raise InputError(f'there is no layout {layout!r}; layouts are {", ".join(LAYOUTS)}{nearest(layout, LAYOUTS)}')
    if LAYOUTS[layout].needs_masks and not dataset.catalogue.has_masks:
        raise InputError(f'{dataset.root} has no masks, which {layout} needs: use --layout imagefolder or webdataset')
    if options.min_pixels < 1 or options.samples_per_shard < 1:
        raise InputError(f'min_pixels and samples_per_shard are at least 1, got {options}')
    if not len(dataset.lines):
        raise InputError(f'{dataset.root} has no samples')
    shared, licence = Shared(dataset), licence or dataset.catalogue.licence
    name = one_line(name or Path(os.path.abspath(dataset.root)).name)
    with whole_folder(out) as part:
        remarks = LAYOUTS[layout].write(shared, part, options)
        if layout == 'imagefolder':
            write_croissant(shared, part, name, licence)
        files = write_hashes(part)
        (part / 'README.md').write_text(dataset_card(shared, layout, name, licence, files), encoding='utf-8')
    if not one_line(licence):
        remarks.append('the licence of the dataset is not stated: the card says "unknown"; name one with --licence')
    return remarks
