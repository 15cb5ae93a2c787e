"""Reads a finished synthetic dataset as labelled images."""

import os
from pathlib import Path

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.storage.stored import StoredDataset

FACTS = ('counts', 'filters', 'licence', 'checksums', 'versions', 'config', 'label_space', 'selection')


class StoredImages(LabelledImages):
    """A dataset in the layout of :mod:`mmbdg.storage.layout`, as folders or shards.

    The classes are those of the source. The labels are those of the stored masks; no label space is applied. A dataset of a source without
    masks has no labels.

    Args:
        root: Folder with ``dataset.json``.
        selection: Name of a selection of the dataset; only its samples are read. Default: None, all samples.

    Raises:
        InputError: See :class:`~mmbdg.storage.stored.StoredDataset`.
    """

    def __init__(self, root: str | os.PathLike, selection: str | None = None) -> None:
        self.stored = StoredDataset(root, selection)
        info = self.stored.info
        self.folders = list(self.stored.catalogue.folders)
        super().__init__(
            name=Path(root).resolve().name + (f', {selection}' if selection else ''),
            labels=info['classes'],
            palette=info['palette'],
            ignore=self.stored.ignore,
            classes=list(self.stored.catalogue.classes),
            facts=dict(source=str(root), **{key: info[key] for key in FACTS if key in info}),
        )
        names = dict(zip(self.folders, self.classes, strict=True))
        for key in ('counts', 'filters'):
            if key in self.facts:
                self.facts[key] = {names.get(folder, folder): value for folder, value in self.facts[key].items()}

    def __len__(self) -> int:
        return len(self.stored.lines)

    def image(self, i: int) -> np.ndarray:
        return self.stored.image(self.stored.lines[i])

    def mask(self, i: int) -> np.ndarray:
        return self.stored.mask(self.stored.lines[i])

    def class_of(self, i: int) -> int:
        return self.stored.lines[i]['class']

    def title(self, i: int) -> str:
        line = self.stored.lines[i]
        return f'{self.folders[line["class"]]}/{line["id"]}'

    def uncertainty_of(self, i: int) -> float | None:
        return self.stored.lines[i].get('uncertainty')
