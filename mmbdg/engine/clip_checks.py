"""Checks of a CLIP classifier against its data, before a training or a test."""

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn

from mmbdg.errors import InputError
from mmbdg.models import OpenCLIPBackbone, ZeroShotHead


def clip_problems(datasets: Iterable[Any], model: nn.Module) -> Iterator[str]:
    """The data preprocessor fits the CLIP model, backbone and head are of one model, the head has the classes of the data in their order.

    Args:
        datasets: The dataset and the datasets inside it.
        model: Classifier, without the wrapper of a distributed training. For other models nothing is checked.
    """
    backbone, head = getattr(model, 'backbone', None), getattr(model, 'head', None)
    if isinstance(backbone, OpenCLIPBackbone):
        try:
            backbone.check_preprocessor(model.data_preprocessor)
        except InputError as error:
            yield str(error)
        if isinstance(head, ZeroShotHead):
            yield from _tower_problems(backbone, head)
    for dataset in datasets if isinstance(head, ZeroShotHead) else ():
        yield from _class_problems(dataset, head)


def _tower_problems(backbone: OpenCLIPBackbone, head: ZeroShotHead) -> Iterator[str]:
    if not backbone.normalize:
        yield 'the zero-shot head compares vectors of length 1: set model.backbone.normalize=True'
    image, text = ((one.title, one.weights) for one in (backbone.clip, head.clip))
    if image != text:
        yield f'model.backbone is of the CLIP model {image[0]} ({image[1]}), model.head of {text[0]} ({text[1]}); they must be the same'


def _class_problems(dataset: Any, head: ZeroShotHead) -> Iterator[str]:
    name, meta = type(dataset).__name__, getattr(dataset, 'metainfo', None) or {}
    classes = meta.get('class_names') or meta.get('classes')
    if classes and len(classes) != head.num_classes:
        yield f'model.head.classes has {head.num_classes} classes, {name} has {len(classes)}: give the list of the classes of this dataset'
        return
    largest = max(map(int, dataset.get_gt_labels()), default=0) if not classes and hasattr(dataset, 'get_gt_labels') else 0
    if largest >= head.num_classes:
        yield f'model.head.classes has {head.num_classes} classes, but {name} has images of class {largest}'
        return
    folders = getattr(dataset, 'folder_to_idx', None) or {}
    for folder, index in folders.items():
        if folder not in (head.class_ids[index], head.texts[index]):
            yield (
                f'class {index} of {name} is the folder "{folder}", class {index} of model.head.classes has the id '
                f'"{head.class_ids[index]}": name the folders by the ids of the class list, in its order'
            )
            return
