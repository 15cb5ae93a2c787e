"""Online sampling (BigDatasetGAN, section 3.2): a dataset of addresses, from which the data preprocessor makes labelled samples."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from mmbdg.addressed import generator_at
from mmbdg.datasets.address import Addressing, addressing
from mmbdg.registry import DATASETS
from mmbdg.sources import LabelledGenerator
from mmbdg.storage.label_spaces import Groups, class_id
from mmbdg.storage.label_spaces import label_space as space_by_name
from mmbdg.storage.palette import palette

FIRST_INDEX = 10**8
"""Index of the first online sample of each class. Synthesised datasets have indices of eight digits, so none is in both."""


@DATASETS.register_module()
class OnlineSyntheticDataset(Dataset):
    """An endless dataset: item n is the address of a labelled sample, which the data preprocessor makes on the training device.

    .. code-block:: python

        train_dataloader = dict(
            dataset=dict(type='mmbdg.OnlineSyntheticDataset', labelled_generator='fashion32'),
            sampler=dict(type='mmbdg.AddressedSampler'))
        model = dict(data_preprocessor=dict(type='mmbdg.OnlineDataPreprocessor', labelled_generator='fashion32', ...))

    The classes alternate: K consecutive items have K different classes, in an order that is drawn for each round. The index is that of
    the round, so no address repeats. Workers do not load the generator.

    An item is ``dict(inputs=..., data_samples=...)`` with ``inputs`` int64 (3,), the address (seed, class, index), and an
    ``mmseg.SegDataSample`` whose meta information says how the mask is painted: ``foreground_id``, the label of foreground pixels (None:
    the interpreter's ids are the labels already), ``ignore``, the label of ignored pixels, and ``labelled_generator``.
    ``mmengine``'s collate functions make batches of items, also as a part of a :class:`~mmbdg.datasets.JointDataset`.

    Args:
        labelled_generator: Name of an embedded labelled generator, or its folder; the same as the data preprocessor's.
        label_space: Name or groups, as in :class:`~mmbdg.datasets.SyntheticSegDataset`; classes outside it are not drawn.
        classes: Names or indices of the classes that are drawn; default: all classes of the label space.
        seed: Seed of the latents and of the order of the classes; default 0.
        length: Samples in an epoch, for loops that count epochs; default 100,000, the size of the paper's datasets. Item n exists for
            every n from 0.

    Raises:
        InputError: The generator or a class does not exist, or the masks do not fit the label space.
    """

    addressing: ClassVar = Addressing.COUNT
    synthetic: ClassVar = True

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
        self._round: tuple[int, list[int]] = (-1, [])  # number and order of the last round

    @property
    def metainfo(self) -> dict[str, Any]:
        """``classes``, the names of the labels, background first, and ``palette``, their colours."""
        return dict(classes=self.space.classes, palette=palette(self.space.num_classes))

    def __len__(self) -> int:
        return self.length

    def address(self, n: int) -> tuple[int, int]:
        """Class and index of item n; different for every n."""
        past, place = divmod(n, len(self.class_ids))
        if past != self._round[0]:
            self._round = past, generator_at('online', self.seed, past).permutation(self.class_ids).tolist()
        return self._round[1][place], FIRST_INDEX + past

    def __getitem__(self, n: int) -> dict[str, Any]:
        if n < 0:
            raise IndexError(f'an endless dataset has no item {n}: items are counted from 0')
        cls, index = self.address(n)
        foreground_id = self.space.foreground_ids[cls] if self._relabelled else None
        sample = SegDataSample(
            metainfo=dict(foreground_id=foreground_id, ignore=self.space.ignore, labelled_generator=self.labelled_generator)
        )
        return dict(inputs=torch.tensor([self.seed, cls, index]), data_samples=sample)


def is_online(dataset: Dataset) -> bool:
    """Whether samples of the dataset, or of one of its parts, are made inside the training."""
    return any(addressing(part) is Addressing.COUNT for part in getattr(dataset, 'parts', {'': dataset}).values())
