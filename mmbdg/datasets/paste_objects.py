"""Pastes labelled objects into the images of a detector or segmentor."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from mmbdg.addressed import generator_at
from mmbdg.datasets.class_draws import Balance, ClassDraws
from mmbdg.datasets.layers import Layers, box_of
from mmbdg.datasets.object_names import class_names, labels_of_objects
from mmbdg.datasets.objects import build_objects
from mmbdg.datasets.placement import Placement, Placer, numbers_of
from mmbdg.errors import InputError
from mmbdg.registry import TRANSFORMS


@TRANSFORMS.register_module()
class PasteObjects(BaseTransform):
    """Pastes random objects, cut out by their masks, into training images of mmdet and mmseg. It comes after the loading of annotations.

    .. code-block:: python

        dict(
            type='mmbdg.PasteObjects',
            objects=dict(type='mmbdg.StoredObjects', data_root='data/biggan_sim', selection='certain'),
            classes='mmdet.CocoDataset',
            names={'trench coat': None, 'sports car': 'car'},
            placement=dict(shares=(0.1, 0.4), blend='gaussian', min_visible=0.1),
        )

    ``img`` is uint8 (H,W,3) BGR. For mmdet, ``gt_bboxes`` (HorizontalBoxes), ``gt_bboxes_labels``, ``gt_ignore_flags`` and, if there
    are masks, ``gt_masks`` change. Instances below lose what is covered. A box is recomputed where the extent of its mask has changed.
    Instances that are hidden, or visible to less than ``placement.min_visible`` of their pixels, are removed. Polygons become
    ``BitmapMasks``, because polygons cannot have holes. Without masks, the filled box counts as the mask of an instance. For mmseg,
    ``gt_seg_map`` gets the label of the object's class in its pixels; ``min_visible`` does not matter there.

    Unlike ``mmdet.CopyPaste``, it needs no second labelled image, and it does not change an instance that nothing covers.

    All random numbers are drawn from one number of numpy's global generator, which :class:`~mmbdg.datasets.JointDataset` seeds by (seed,
    epoch, index) of the sample. With it the objects do not depend on the number of workers or on interruptions, and change in every
    epoch. A training without it raises an error (:func:`mmbdg.engine.checks.check_data`).

    Args:
        objects: Config of the objects, :class:`~mmbdg.datasets.StoredObjects` or :class:`~mmbdg.datasets.FashionObjects`.
        classes: Classes of the detector or segmentor, in the order of its labels (for a segmentor with the background): names, or the
            type of a dataset that has them, e.g. "mmdet.CocoDataset".
        names: ``{class of the objects: class of the dataset}`` where the names differ; None: the class is left out.
        num: Number of objects for each image, or its minimum and maximum, from 0 on. Default (1, 3), drawn uniformly.
        prob: Probability that objects are pasted into an image, 0..1. Default 1.
        balance, frequencies, threshold: How often each class is drawn, see :class:`~mmbdg.datasets.class_draws.ClassDraws`;
            ``frequencies`` by names of ``classes``, or the COCO annotation file of the training images.
        placement: How objects are put into an image, see :class:`~mmbdg.datasets.placement.Placement`.

    Raises:
        InputError: A value is out of range, the objects cannot be read, or they have classes that the dataset does not have; (when
            called) the results are neither those of a detector nor of a segmentor.
    """

    def __init__(
        self,
        objects: Mapping,
        classes: Sequence[str] | str,
        names: Mapping[str, str | None] | None = None,
        num: int | tuple[int, int] = (1, 3),
        prob: float = 1.0,
        balance: Balance = 'class',
        frequencies: Mapping[str, float] | str | None = None,
        threshold: float | None = None,
        placement: Mapping[str, Any] | None = None,
    ) -> None:
        self.classes = class_names(classes, 'PasteObjects.classes')
        self.num = numbers_of(num, 'PasteObjects.num')
        if isinstance(prob, bool) or not isinstance(prob, int | float) or not 0 <= prob <= 1:
            raise InputError(f'PasteObjects.prob must lie between 0 and 1, got {prob!r}')
        self.prob, self.placement = prob, Placement.of(placement)
        self.objects = build_objects(objects)
        labels = labels_of_objects(self.objects, self.classes, names)
        self.placer = Placer(self.objects, ClassDraws(labels, self.classes, balance, frequencies, threshold), self.placement, bgr=True)

    def transform(self, results: dict) -> dict:
        """Paste objects into an image and its annotation."""
        rng = generator_at('paste', np.random.randint(2**62))
        image, detection, segmentation = results['img'], 'gt_bboxes' in results, 'gt_seg_map' in results
        if image.dtype != np.uint8 or image.ndim != 3 or detection == segmentation or 'gt_keypoints' in results:
            found = ', '.join(sorted(key for key in results if key.startswith('gt_'))) or 'no annotation'
            raise InputError(
                'mmbdg.PasteObjects takes an image uint8 (H,W,3) with gt_bboxes (mmdet) or gt_seg_map (mmseg), not both, and no keypoints: '
                f'got {image.dtype} {image.shape} with {found}. Place it after the loading of the annotations and before steps that '
                'change the type of the image'
            )
        if rng.random() >= self.prob:
            return results
        number = int(rng.integers(self.num[0], self.num[1] + 1))
        layers = _of_detector(results) if detection else Layers(image.copy())
        before = len(layers.instances)
        self.placer.put(rng, layers, number)
        if len(layers.instances) == before:
            return results
        results['img'] = layers.image
        if detection:
            _update_detector(results, layers, self.placement.min_visible)
        else:
            labels = results['gt_seg_map'].copy()
            for instance in layers.instances:
                labels[instance.mask] = instance.label
            results['gt_seg_map'] = labels
        return results

    def __repr__(self) -> str:
        return f'PasteObjects(num={self.num}, prob={self.prob}, {len(self.objects)} objects, {self.placement})'


def _of_detector(results: dict) -> Layers:
    """Layers of the results of a detector; image and masks are copies."""
    from mmdet.structures.bbox import HorizontalBoxes

    boxes, image = results['gt_bboxes'], results['img'].copy()
    if not isinstance(boxes, HorizontalBoxes):
        raise InputError(f'mmbdg.PasteObjects takes boxes of the type HorizontalBoxes, got {type(boxes).__name__}')
    if results.get('gt_masks') is None:
        return Layers(image, _filled(boxes.tensor.numpy(), *image.shape[:2]), results['gt_bboxes_labels'])
    masks = results['gt_masks'].to_ndarray().reshape(-1, *image.shape[:2])
    return Layers(image, masks.astype(bool), results['gt_bboxes_labels'])


def _filled(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Filled boxes float (N,4), widened to whole pixels, as masks bool (N,height,width)."""
    masks = np.zeros((len(boxes), height, width), bool)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[max(0, int(np.floor(y1))) : max(0, int(np.ceil(y2))), max(0, int(np.floor(x1))) : max(0, int(np.ceil(x2)))] = True
    return masks


def _update_detector(results: dict, layers: Layers, min_visible: float) -> None:
    from mmdet.structures.bbox import HorizontalBoxes
    from mmdet.structures.mask import BitmapMasks

    kept = layers.kept(min_visible)
    instances, old = [layers.instances[i] for i in kept], len(results['gt_bboxes'])
    boxes = torch.zeros((len(kept), 4), dtype=results['gt_bboxes'].tensor.dtype)
    for row, (i, instance) in enumerate(zip(kept, instances, strict=True)):
        now = instance.box if instance.seen == instance.area else box_of(instance.mask)
        if instance.added or now != instance.box:
            boxes[row] = torch.tensor(now, dtype=boxes.dtype)
        else:
            boxes[row] = results['gt_bboxes'].tensor[i]  # as annotated, also where it is not tight
    results['gt_bboxes'] = HorizontalBoxes(boxes, clone=False)
    results['gt_bboxes_labels'] = np.array([instance.label for instance in instances], np.int64)
    if 'gt_ignore_flags' in results:
        flags = results['gt_ignore_flags']
        results['gt_ignore_flags'] = np.array([bool(flags[i]) if i < old else False for i in kept], bool)
    if results.get('gt_masks') is not None:
        height, width = layers.size
        masks = np.array([instance.mask for instance in instances], np.uint8).reshape(-1, height, width)
        results['gt_masks'] = BitmapMasks(masks, height, width)


def pastes_in(pipeline: Any) -> Iterator[PasteObjects]:
    """The steps of a pipeline that paste objects, also inside other transforms."""
    steps = getattr(pipeline, 'transforms', None)
    if isinstance(pipeline, PasteObjects):
        yield pipeline
    for step in steps if isinstance(steps, list | tuple) else pipeline if isinstance(pipeline, list | tuple) else ():
        yield from pastes_in(step)
