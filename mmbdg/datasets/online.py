"""Dataset for online sampling: addresses of labelled samples that are generated during training (BigDatasetGAN, section 3.2)."""

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
"""Index of the first online sample of each class. Indices in synthetic datasets are smaller, so samples never coincide under one seed."""


@DATASETS.register_module()
class OnlineSyntheticDataset(Dataset):
    """Endless dataset whose item n is the address of a labelled sample; the data preprocessor generates it on the training device.

    .. code-block:: python

        train_dataloader = dict(
            dataset=dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'),
            sampler=dict(type='mmbdg.AddressedSampler'))
        model = dict(data_preprocessor=dict(type='mmbdg.OnlineDataPreprocessor', labelled_generator='fashion32', ...))

    Each round of K consecutive items contains each of the K classes once, in a random order drawn for the round. The index of a sample is
    that of its round, so no address repeats. Workers load only the names of the classes and no network.

    An item is ``dict(inputs=..., data_samples=...)`` with ``inputs`` int64 (3,), the address (seed, class, index), and an
    ``mmseg.SegDataSample`` whose meta information describes the mask: ``foreground_id``, the label of the foreground (None: the
    interpreter's ids are already the labels), ``ignore``, the ignore label, and ``labelled_generator``. ``mmengine``'s collate functions
    can batch it, also beside real images (:class:`~mmbdg.datasets.JointDataset`).

    Args:
        labelled_generator: Name of an embedded labelled generator, or its folder; must equal the data preprocessor's.
        label_space: Label space, as in :class:`~mmbdg.datasets.SyntheticSegDataset`; classes outside it are not drawn.
        classes: Names or indices of the classes to draw; None: all classes of the label space.
        seed: Seed of the latents and of the order of the classes.
        length: Length of an epoch for epoch-based loops, default 100,000 (the paper's dataset size); any item n >= 0 exists.

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
        self._round: tuple[int, list[int]] = (-1, [])  # current round, and its order of the classes

    @property
    def metainfo(self) -> dict[str, Any]:
        """Names of the labels (background first) and their colours."""
        return dict(classes=self.space.classes, palette=palette(self.space.num_classes))

    def __len__(self) -> int:
        return self.length

    def address(self, n: int) -> tuple[int, int]:
        """Class and index of item n; unique for each n."""
        past, place = divmod(n, len(self.class_ids))
        if past != self._round[0]:
            self._round = past, generator_at('online', self.seed, past).permutation(self.class_ids).tolist()
        return self._round[1][place], FIRST_INDEX + past

    def __getitem__(self, n: int) -> dict[str, Any]:
        if n < 0:
            raise IndexError(f'an endless dataset has no negative indices, got item {n}')
        cls, index = self.address(n)
        foreground_id = self.space.foreground_ids[cls] if self._relabelled else None
        sample = SegDataSample(
            metainfo=dict(foreground_id=foreground_id, ignore=self.space.ignore, labelled_generator=self.labelled_generator)
        )
        return dict(inputs=torch.tensor([self.seed, cls, index]), data_samples=sample)


def is_online(dataset: Dataset) -> bool:
    """Whether the dataset's labelled samples are generated during training, alone or beside real images."""
    return isinstance(getattr(dataset, 'seg', dataset), OnlineSyntheticDataset)
