"""Which reader of labelled images a path or a config needs."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbdg.analysis.images.coco_images import CocoImages
from mmbdg.analysis.images.dataset_images import DatasetImages
from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.analysis.images.stored_images import StoredImages
from mmbdg.errors import InputError


def open_labelled_images(source: str | os.PathLike | Mapping[str, Any], selection: str | None = None) -> LabelledImages:
    """Open whatever holds labelled images.

    Args:
        source: One of

            - a folder that ``tools/synthesize.py`` wrote;
            - ``CONFIG.py:KEY``, a dataset in a config, e.g. ``configs/x.py:test_dataloader.dataset``: any mmseg dataset, this package's
              among them (``mmbdg.AnnotatedLatents`` too); or the dataset's config itself, ``dict(type=...)``;
            - ``INSTANCES.json`` or ``INSTANCES.json:IMAGE_FOLDER``, instances as COCO writes them; file names are relative to the image
              folder, by default the folder of the JSON file.
        selection: Name of a selection of ``tools/select_samples.py``, of a folder that ``tools/synthesize.py`` wrote; None for all samples.

    Raises:
        InputError: It is none of these, is unfinished, or a package that reads it is not installed; or a selection is named of something
            that has none.
    """
    if selection is not None and not (isinstance(source, str | os.PathLike) and Path(source).is_dir()):
        raise InputError(
            f'{source} is no folder of tools/synthesize.py, which alone has selections ("{selection}"); of a dataset in a config set its '
            'key selection'
        )
    if isinstance(source, Mapping):
        return DatasetImages.build(dict(source), str(source.get('type')))
    text = os.fspath(source)
    path, _, rest = text.rpartition(':') if not Path(text).exists() else (text, '', '')
    if not path:
        path, rest = text, ''
    if path.endswith('.py'):
        return DatasetImages.from_config(path, rest)
    if path.endswith('.json'):
        return CocoImages(path, rest or None)
    if not Path(text).is_dir():
        raise InputError(
            f'{text} is nothing that can be analysed: give a folder of tools/synthesize.py, CONFIG.py:KEY (the key of a dataset in it, '
            'e.g. test_dataloader.dataset), or INSTANCES.json:IMAGE_FOLDER'
        )
    return StoredImages(text, selection)
