"""A part of any dataset of images with class labels: few labels, or a long tail."""

from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from torch.utils.data import Dataset

from mmbdg.datasets.label_fraction import labelled_subset, stratified_order
from mmbdg.datasets.long_tail import long_tail
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS


@DATASETS.register_module()
class ClassSubset(Dataset):
    """Part of another dataset, chosen by the classes of its images: for low-data and long-tailed trainings.

    .. code-block:: python

        few = dict(type='mmbdg.ClassSubset', fraction=0.01, dataset=dict(type='mmpretrain.ImageNet', ...))
        tailed = dict(type='mmbdg.ClassSubset', imbalance=100, most=1000, dataset=dict(type='mmpretrain.ImageNet', ...))
        fill = dict(type='mmbdg.ClassSubset', imbalance=100, most=1000, fill=True, dataset=dict(...))  # synthetic: what the tail lacks

    Exactly one of ``fraction``, ``per_class`` and ``imbalance`` is given. Images are drawn at random in each class; with the same seed a
    smaller part is contained in a larger one. Items and meta information are those of the dataset.

    Args:
        dataset: Config of an mmengine dataset whose items have ``gt_label``, an int.
        fraction: Fraction of the images, stratified by class, in (0, 1].
        per_class: Images of each class.
        imbalance: Ratio of the largest to the smallest class, see :func:`~mmbdg.datasets.long_tail.long_tail`. The order of the classes
            is that of their indices.
        most: Images of the largest class, with ``imbalance``. Default: those of the smallest class of the dataset.
        fill: With ``imbalance`` and ``most``: each class has the images that it lacks to ``most``, so that this part and the long-tailed
            one have ``most`` images of each class together. Default: False.
        seed: Seed of the choice. Default: 0.

    Raises:
        InputError: The keys do not fit together, the dataset has no class labels, or a class has too few images.
    """

    def __init__(
        self,
        dataset: dict,
        fraction: float | None = None,
        per_class: int | None = None,
        imbalance: float | None = None,
        most: int | None = None,
        fill: bool = False,
        seed: int = 0,
    ) -> None:
        given = [name for name, value in dict(fraction=fraction, per_class=per_class, imbalance=imbalance).items() if value is not None]
        if len(given) != 1:
            raise InputError(f'ClassSubset takes one of fraction, per_class and imbalance, got {", ".join(given) or "none"}')
        if (most is not None or fill) and imbalance is None:
            raise InputError('ClassSubset: most and fill belong to imbalance: give it, or remove them')
        if fill and most is None:
            raise InputError('ClassSubset: fill needs most, the images of each class in both parts together')
        self.dataset = DATASETS.build(dataset)
        for name in ('space', 'synthetic'):  # what readers ask of a dataset
            if hasattr(self.dataset, name):
                setattr(self, name, getattr(self.dataset, name))
        labels = _labels(self.dataset)
        if fraction is not None:
            if not 0 < fraction <= 1:
                raise InputError(f'ClassSubset: fraction is {fraction}, expected more than 0 and at most 1')
            self.indices = labelled_subset(labels, fraction, seed)
        else:
            self.indices = _chosen(labels, _counts(labels, per_class, imbalance, most, fill), seed, type(self.dataset).__name__)
        self.labels = labels[self.indices]

    @property
    def metainfo(self) -> dict[str, Any]:
        """Meta information of the dataset."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Do nothing: the dataset is complete. mmengine calls it."""

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f'a part of {len(self)} images has no item {index}')
        return self.dataset[int(self.indices[index])]

    def get_data_info(self, index: int) -> dict[str, Any]:
        """Information on an item, as mmengine's datasets give it."""
        return self.dataset.get_data_info(int(self.indices[index]))

    def get_cat_ids(self, index: int) -> list[int]:
        """Classes of an item, for samplers that balance classes."""
        return [int(self.labels[index])]


def _labels(dataset: Any) -> np.ndarray:
    """Class of each image, int64 (N,), without loading images."""
    if not isinstance(dataset, BaseDataset):
        raise InputError(f'ClassSubset needs a dataset of mmengine with class labels, but {type(dataset).__name__} is none')
    infos = (BaseDataset.get_data_info(dataset, index) for index in range(len(dataset)))  # that of a subclass may load the image
    labels = [info.get('gt_label') for info in infos]
    if not all(isinstance(label, int | np.integer) for label in labels):
        raise InputError(f'ClassSubset: items of {type(dataset).__name__} have no class label gt_label')
    return np.array(labels, dtype=np.int64)


def _counts(labels: np.ndarray, per_class: int | None, imbalance: float | None, most: int | None, fill: bool) -> dict[int, int]:
    """Images to choose of each class."""
    classes, sizes = np.unique(labels, return_counts=True)
    if imbalance is None:
        if per_class < 1:
            raise InputError(f'ClassSubset: per_class is {per_class}, expected at least 1')
        return dict.fromkeys(classes.tolist(), per_class)
    most = int(sizes.min()) if most is None else most
    tail = long_tail(most, len(classes), imbalance)
    return dict(zip(classes.tolist(), [most - count for count in tail] if fill else tail, strict=True))


def _chosen(labels: np.ndarray, counts: dict[int, int], seed: int, name: str) -> np.ndarray:
    chosen = []
    for class_id, count in counts.items():
        of_class = np.flatnonzero(labels == class_id)
        if count > len(of_class):
            raise InputError(f'ClassSubset needs {count:,} images of class {class_id}, but {name} has {len(of_class):,}')
        order = stratified_order(labels[of_class], 'labels', seed)  # the order of labelled_subset
        chosen.append(of_class[order[:count]])
    return np.sort(np.concatenate(chosen))
