"""What an analysis reads: images with masks, whoever made them."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.errors import InputError


class LabelledImages(ABC):
    """Images and their masks by number, read when they are asked for.

    Reading image ``i`` does not read its mask, nor the reverse. An object can be handed to worker processes that are forked.

    Attributes:
        name: Of the set, for people.
        labels: Names of the masks' ids, background first.
        palette: RGB 0..255 for each label.
        ignore: Value of mask pixels that do not count.
        classes: Names of the images' classes; empty if images have none.
        facts: What is known of the set beside its pixels, as JSON: ``source`` always; where known ``counts`` (class: images), ``filters``
            (class: {candidates, after_rejection, after_uncertainty, ...}), ``licence``, ``checksums``, ``versions``, ``config``.
    """

    def __init__(
        self,
        name: str,
        labels: Sequence[str],
        palette: Sequence[Sequence[int]],
        ignore: int,
        classes: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.labels, self.ignore, self.classes = name, tuple(labels), ignore, tuple(classes)
        self.palette = [list(map(int, colour)) for colour in palette]
        self.facts: dict[str, Any] = dict(facts or {})

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def image(self, i: int) -> np.ndarray:
        """Image uint8 (H,W,3), RGB.

        Raises:
            InputError: The file is missing or no picture.
        """

    @abstractmethod
    def mask(self, i: int) -> np.ndarray:
        """Label ids, integer (H,W): 0 is background, :attr:`ignore` does not count, all else is foreground.

        Raises:
            InputError: The file is missing or no mask.
        """

    def class_of(self, i: int) -> int | None:
        """Index into :attr:`classes`, None where the image has no class (or several)."""
        return None

    def title(self, i: int) -> str:
        """What people find the sample by."""
        return str(i)

    def uncertainty_of(self, i: int) -> float | None:
        """Uncertainty of the ensemble that labelled it (paper, section 3.2), nats; None where it is not known."""
        return None


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
        from mmbdg.analysis.images.dataset_images import DatasetImages

        return DatasetImages.build(dict(source), str(source.get('type')))
    text = os.fspath(source)
    path, _, rest = text.rpartition(':') if not Path(text).exists() else (text, '', '')
    if not path:
        path, rest = text, ''
    if path.endswith('.py'):
        from mmbdg.analysis.images.dataset_images import DatasetImages

        return DatasetImages.from_config(path, rest)
    if path.endswith('.json'):
        from mmbdg.analysis.images.coco_images import CocoImages

        return CocoImages(path, rest or None)
    if not Path(text).is_dir():
        raise InputError(
            f'{text} is nothing that can be analysed: give a folder of tools/synthesize.py, CONFIG.py:KEY (the key of a dataset in it, '
            'e.g. test_dataloader.dataset), or INSTANCES.json:IMAGE_FOLDER'
        )
    from mmbdg.analysis.images.stored_images import StoredImages

    return StoredImages(text, selection)
