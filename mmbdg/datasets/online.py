"""Addresses of labelled samples that are made inside the training: the dataset of online sampling (BigDatasetGAN, section 3.2)."""

from collections.abc import Sequence
from typing import Any

import torch
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from mmbdg.addressed import generator_at
from mmbdg.registry import DATASETS
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.label_spaces import Groups, class_id
from mmbdg.storage.label_spaces import label_space as space_by_name
from mmbdg.storage.palette import palette

FIRST_INDEX = 10**8
"""Index of the first online sample of each class. Those of synthesised datasets have eight digits: under one seed the two share nothing."""


@DATASETS.register_module()
class OnlineSyntheticDataset(Dataset):
    """Item n of an endless dataset: the address of a labelled sample, which the data preprocessor makes on the training device.

    .. code-block:: python

        train_dataloader = dict(
            dataset=dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'),
            sampler=dict(type='mmbdg.AddressedSampler'))
        model = dict(data_preprocessor=dict(type='mmbdg.OnlineDataPreprocessor', labelled_generator='fashion32', ...))

    The classes take turns: K items in a row are of K classes, in an order drawn anew for each round. The index is that of the round, so no
    address comes twice. Workers read names only, no network.

    An item is ``dict(inputs=..., data_samples=...)`` with ``inputs`` int64 (3,), the address (seed, class, index), and an
    ``mmseg.SegDataSample`` whose meta information says how the mask is painted: ``foreground_id``, the label that foreground gets (None:
    the interpreter's ids are the labels already), ``ignore``, the label of pixels that do not count, and ``labelled_generator``.
    ``mmengine``'s collate functions batch it, beside real images too (:class:`~mmbdg.datasets.JointDataset`).

    Args:
        labelled_generator: Name of an embedded one, or a folder; the same as the preprocessor's.
        label_space: As of :class:`~mmbdg.datasets.SyntheticSegDataset`; classes outside it are not drawn.
        classes: Names or indices of the classes that are drawn; None: all of the label space.
        seed: Of the latents and of the order of the classes.
        length: Of an epoch, where a loop counts epochs; item n is there for any n from 0 (paper: 100,000 is the size of its datasets).

    Raises:
        InputError: There is no such generator or class, or its masks do not fit the label space.
    """

    def __init__(
        self,
        labelled_generator: str,
        label_space: str | Groups = 'classes',
        classes: Sequence[int | str] | None = None,
        seed: int = 0,
        length: int = 100_000,
    ) -> None:
        card = LabelledGenerator.card(labelled_generator)
        names, labels = card['classes'], card.get('labels', ('background', 'foreground'))
        self.labelled_generator, self.seed, self.length = labelled_generator, seed, length
        self.space = space_by_name(label_space, names)
        self.space.check_masks(labels, f'the labelled generator {labelled_generator}')
        wanted = range(len(names)) if classes is None else dict.fromkeys(class_id(cls, names) for cls in classes)
        self.class_ids = self.space.within(wanted, int, 'classes')
        self._relabelled = len(labels) == 2 or self.space.name == 'fgbg'
        self._round: tuple[int, list[int]] = (-1, [])  # the last one, and its order

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names of the labels, background first, and their colours."""
        return dict(classes=self.space.classes, palette=palette(self.space.num_classes))

    def __len__(self) -> int:
        return self.length

    def address(self, n: int) -> tuple[int, int]:
        """Class and index of item n; no two n have the same."""
        past, place = divmod(n, len(self.class_ids))
        if past != self._round[0]:
            self._round = past, generator_at('online', self.seed, past).permutation(self.class_ids).tolist()
        return self._round[1][place], FIRST_INDEX + past

    def __getitem__(self, n: int) -> dict[str, Any]:
        if n < 0:
            raise IndexError(f'an endless dataset has no end to count from, got item {n}')
        cls, index = self.address(n)
        foreground_id = self.space.foreground_ids[cls] if self._relabelled else None
        sample = SegDataSample(
            metainfo=dict(foreground_id=foreground_id, ignore=self.space.ignore, labelled_generator=self.labelled_generator)
        )
        return dict(inputs=torch.tensor([self.seed, cls, index]), data_samples=sample)


def is_online(dataset: Dataset) -> bool:
    """Whether its labelled samples are made inside the training, alone or beside real images."""
    return isinstance(getattr(dataset, 'seg', dataset), OnlineSyntheticDataset)
