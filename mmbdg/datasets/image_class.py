"""Class of a whole image of a dataset, also of one whose samples hold masks only."""

from typing import Any

from mmengine.dataset import BaseDataset


def class_names_of(dataset: Any) -> list[str] | None:
    """Names of the classes of a dataset's images (``class_names`` in its meta information); None if it has none."""
    names = (getattr(dataset, 'metainfo', None) or {}).get('class_names')
    return list(names) if names else None


def class_of_image(dataset: Any, index: int) -> int | None:
    """Class of an image by the index of the image, without loading it.

    Args:
        dataset: Any dataset.
        index: Index of the image in the dataset.

    Returns:
        Position in :func:`class_names_of`; None if the dataset does not tell classes of images.
    """
    names = class_names_of(dataset)
    if names is None or not isinstance(dataset, BaseDataset):
        return None
    label = BaseDataset.get_data_info(dataset, index).get('gt_label')  # that of a subclass would load the image and its mask
    return int(label) if label is not None and 0 <= int(label) < len(names) else None
