"""Chooses the reader of labelled images for a path or a config."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbdg.analysis.images.coco_images import CocoImages
from mmbdg.analysis.images.dataset_images import DatasetImages
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.compat.config_names import packaged
from mmbdg.errors import InputError


def open_labelled_images(source: str | os.PathLike | Mapping[str, Any], selection: str | None = None) -> LabelledImages:
    """Open a source of labelled images.

    Args:
        source: One of

            - a folder written by ``tools/synthesize.py``;
            - ``CONFIG.py:KEY``, a dataset in a config, e.g. ``configs/x.py:test_dataloader.dataset``; a config of this package also by
              its name (:mod:`mmbdg.compat.config_names`). Every dataset of mmseg and of this package works, also
              ``mmbdg.AnnotatedLatents``;
            - the config of a dataset, ``dict(type=...)``;
            - ``INSTANCES.json`` or ``INSTANCES.json:IMAGE_FOLDER``, instances in COCO format. File names are relative to the image
              folder, by default the folder of the JSON file.
        selection: Name of a selection made by ``tools/select_samples.py``, only for a folder written by ``tools/synthesize.py``.
            Default: None, all samples.

    Raises:
        InputError: The source is none of these or is unfinished, a required package is not installed, or ``selection`` is given for another
            kind of source.
    """
    if selection is not None and not (isinstance(source, str | os.PathLike) and Path(source).is_dir()):
        raise InputError(
            f'{source} is no folder of tools/synthesize.py, so it has no selection "{selection}"; for a dataset in a config, set its '
            'key "selection"'
        )
    if isinstance(source, Mapping):
        return DatasetImages.build(dict(source), str(source.get('type')))
    text = os.fspath(source)
    path, _, rest = text.rpartition(':') if not Path(text).exists() else (text, '', '')
    if not path:
        path, rest = text, ''
    if path.endswith('.py') or (rest and packaged(path)):
        return DatasetImages.from_config(path, rest)
    if path.endswith('.json'):
        return CocoImages(path, rest or None)
    if not Path(text).is_dir():
        raise InputError(
            f'{text} cannot be analysed: give a folder of tools/synthesize.py, CONFIG.py:KEY (the key of a dataset in the config, '
            'e.g. test_dataloader.dataset), or INSTANCES.json:IMAGE_FOLDER'
        )
    return StoredImages(text, selection)
