"""The converted chest X-rays as an mmseg dataset."""

import logging
from typing import Any

from mmengine.logging import print_log

from mmbdg.datasets.chest_xray.card import read_card
from mmbdg.datasets.chest_xray.split import labelled_part
from mmbdg.datasets.labelled_folder import LabelledFolder
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class ChestXRayDataset(LabelledFolder):
    """Lung segmentation in chest X-rays (BigDatasetGAN, section 5.3, Table 5), converted by tools/dataset_converters/chest_xray.py.

    Args:
        data_root: Folder with ``images/``, ``masks/`` (0 background, 1 lung), ``train.txt`` and ``test.txt``.
        split: "train" or "test".
        label_fraction: Fraction of the listed images that is used, in (0, 1] (stratified by source set, nested), see
            :func:`~mmbdg.datasets.label_fraction.labelled_subset`. Default 1.
        label_seed: Seed of the choice of these images.
        **kwargs: Arguments of ``mmseg.BaseSegDataset``, e.g. ``pipeline``.

    Raises:
        InputError: The conversion is not finished, or see :class:`~mmbdg.datasets.labelled_folder.LabelledFolder`.
    """

    METAINFO = dict(classes=('background', 'lung'), palette=[[0, 0, 0], [235, 110, 75]])

    def __init__(
        self,
        data_root: str = 'data/chest_xray',
        split: str = 'train',
        label_fraction: float = 1.0,
        label_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if split not in ('train', 'test'):
            raise InputError(f'split must be "train" or "test", got "{split}"')
        self.label_fraction, self.label_seed = label_fraction, label_seed
        super().__init__(data_root=data_root, ann_file=f'{split}.txt', **kwargs)

    def _names(self) -> list[str]:
        card = read_card(self.data_root)
        if note := card.get('note'):
            print_log(f'{card["name"]} in {self.data_root}: {note}', 'current', logging.WARNING)
        names = super()._names()
        return names if self.label_fraction == 1 else labelled_part(names, self.label_fraction, self.label_seed)
