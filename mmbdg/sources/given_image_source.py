"""Base class of sources that label given images."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from mmbdg.sources.base import Drawn, LabelledBatch, Source
from mmbdg.sources.class_images import open_class_files
from mmbdg.sources.class_list import ClassList
from mmbdg.sources.image_fit import fitted
from mmbdg.storage.originals import Original, Store, check_store, originals_of, stored_as


class GivenImageSource(Source):
    """Base class of sources of given images, which a subclass labels. Sample i of a class is its i-th image.

    A subclass defines :meth:`masks`, :meth:`labeller_identity` and :attr:`catalogue`.

    Args:
        images: Folder with a folder of images for each class, or a dataset in our layout (one without masks too).
        classes: Classes of the images.
        size: Height and width of the samples in pixels.
        selection: Name of a selection of the dataset. Default: None, for all images.
        squash: True resizes both sides of an image; False resizes the short side and crops the centre. Default: False.
        store: How images of that size are stored, see :attr:`~mmbdg.sources.Source.store`. Default: "encode".
        seed: Seed of the dataset; the samples do not depend on it. Default: 0.

    Raises:
        InputError: The folder or the selection does not exist, a class has no image, or images in shards are to be linked.
    """

    uses_seed: ClassVar[bool] = False

    def __init__(
        self,
        images: str,
        classes: ClassList,
        size: int,
        selection: str | None = None,
        squash: bool = False,
        store: Store = 'encode',
        seed: int = 0,
    ) -> None:
        super().__init__(seed)
        self.images, self.store = open_class_files(images, classes, selection, 'synthesis.source.images'), store
        check_store(store, self.images.has_files, 'synthesis.source')
        self.classes, self.size, self.squash = classes, size, squash

    @abstractmethod
    def masks(self, class_id: int, indices: Sequence[int], images: Tensor) -> LabelledBatch:
        """Label the images uint8 (N,3,R,R) of N addresses; only the masks and their uncertainty are used."""

    @abstractmethod
    def labeller_identity(self) -> dict[str, dict[str, Any]]:
        """The part of :meth:`identity` that concerns the labeller and its settings."""

    def available(self, class_id: int) -> int:
        return self.images.number(class_id)

    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        images, records, originals = self._read(class_id, indices)
        return Drawn(images, records=records, originals=originals)

    def label(self, class_id: int, indices: Sequence[int], state: Tensor | None = None) -> LabelledBatch:
        images, records, originals = self._read(class_id, indices)
        return self.masks(class_id, indices, images)._replace(images=images, records=records, originals=originals)

    def identity(self) -> dict[str, dict[str, Any]]:
        config = dict(type=f'mmbdg.{type(self).__name__}', classes=self.classes.plain(), squash=self.squash, store=stored_as(self.store))
        labeller = self.labeller_identity()
        return dict(
            config=config | labeller['config'],
            checksums=self.images.checksums() | labeller['checksums'],
            versions=labeller['versions'],
        )

    def _read(self, class_id: int, indices: Sequence[int]) -> tuple[Tensor, list[dict[str, str]], list[Original] | None]:
        """Images, uint8 (N,3,R,R), and their records and files."""
        read = [self.images.given(class_id, index, self.size, self.store) for index in indices]
        images = torch.from_numpy(np.stack([fitted(image, self.size, self.squash) for image, _ in read]))
        records = [dict(image=self.images.name(class_id, index)) for index in indices]
        return images.permute(0, 3, 1, 2).to(self.device), records, originals_of(read)
