"""Scenes composed of objects and backgrounds alone, with known boxes and masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg import run_lengths
from mmbdg.addressed import generator_at
from mmbdg.datasets.backgrounds import BackgroundImages, Textures
from mmbdg.datasets.class_draws import Balance, ClassDraws
from mmbdg.datasets.layers import Layers, box_of
from mmbdg.datasets.object_names import class_names, labels_of_objects
from mmbdg.datasets.objects import build_objects
from mmbdg.datasets.placement import Placement, Placer, numbers_of
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS
from mmbdg.storage.palette import palette

SMALLEST = 32
"""Smallest side of a scene in pixels."""


@dataclass
class Scene:
    """A scene: image uint8 (H,W,3) RGB; masks bool (N,H,W) of the visible part of each object; labels int64 (N,)."""

    image: np.ndarray
    masks: np.ndarray
    labels: np.ndarray

    def boxes(self) -> np.ndarray:
        """Boxes of the visible parts, int64 (N,4): x1, y1, x2, y2, with x2 and y2 exclusive."""
        return np.array([box_of(mask) for mask in self.masks], dtype=np.int64).reshape(-1, 4)


class SceneComposer:
    """Composes scenes; scene i depends only on the arguments and on i. See :class:`ComposedScenes` for the arguments."""

    def __init__(
        self,
        objects: Mapping,
        backgrounds: str | None = None,
        classes: Sequence[str] | str | None = None,
        names: Mapping[str, str | None] | None = None,
        size: tuple[int, int] = (512, 512),
        num: int | tuple[int, int] = (3, 8),
        balance: Balance = 'class',
        frequencies: Mapping[str, float] | str | None = None,
        threshold: float | None = None,
        placement: Mapping[str, Any] | None = None,
        seed: int = 0,
        stream: str = 'train',
    ) -> None:
        sides = tuple(size)
        if len(sides) != 2 or not all(type(side) is int and SMALLEST <= side <= 65_535 for side in sides):
            raise InputError(f'a scene needs a size of at least {SMALLEST}x{SMALLEST} px, got {"x".join(map(str, sides))}')
        self.width, self.height = sides
        self.num, self.seed, self.stream = numbers_of(num, 'num'), seed, stream
        self.placement = Placement.of(placement)
        self.backgrounds = Textures() if backgrounds is None else BackgroundImages(backgrounds)
        source = build_objects(objects)
        self.classes = source.classes if classes is None else class_names(classes, 'classes')
        draws = ClassDraws(labels_of_objects(source, self.classes, names), self.classes, balance, frequencies, threshold)
        self.placer = Placer(source, draws, self.placement)

    def compose(self, index: int) -> Scene:
        """Scene ``index``, 0 or more."""
        rng = generator_at('scene', self.seed, self.stream, index)
        layers = Layers(self.backgrounds.draw(rng, self.height, self.width))
        self.placer.put(rng, layers, int(rng.integers(self.num[0], self.num[1] + 1)))
        kept = [layers.instances[i] for i in layers.kept(self.placement.min_visible)]
        masks = np.array([instance.mask for instance in kept], bool).reshape(-1, self.height, self.width)
        return Scene(layers.image, masks, np.array([instance.label for instance in kept], np.int64))


@DATASETS.register_module()
class ComposedScenes(BaseDataset):
    """Scenes of several objects on backgrounds, for detection, instance segmentation (mmdet) or semantic segmentation (mmseg).

    Scene i is a function of (seed, stream, i) and of the objects and backgrounds. Objects are put on top of each other by
    :class:`~mmbdg.datasets.placement.Placement`, as in :class:`~mmbdg.datasets.PasteObjects`; hidden ones are left out.

    Each item holds ``img`` uint8 (H,W,3) BGR, as after OpenMMLab's image loading, and ``instances`` as in ``CocoDataset``. A pipeline
    begins with ``mmdet.LoadAnnotations`` and ends with ``mmdet.PackDetInputs``. If its ``meta_keys`` contain "instances", the samples carry
    the ground truth, and ``mmdet.CocoMetric`` needs no annotation file. With ``semantic=True`` an item holds ``gt_seg_map`` int64 (H,W)
    instead: 0 is the background, class c has the label c + 1; the pipeline ends with ``mmseg.PackSegInputs``.

    Args:
        objects: Config of the objects: :class:`~mmbdg.datasets.StoredObjects`, :class:`~mmbdg.datasets.FashionObjects` or
            :class:`~mmbdg.datasets.CutoutFolder`.
        backgrounds: Folder of background images, which should show none of the classes. Default None: random textures.
        classes: Names of the classes, or the type of a dataset that has them; default None: those of the objects.
        names: ``{class of the objects: class}`` where the names differ; None: the class is left out.
        count: Number of scenes, at least 1. Default 1000.
        size: Width and height in pixels, at least 32 each. Default (512, 512).
        num: Number of objects in a scene, or its minimum and maximum, before hidden ones are left out. Default (3, 8).
        balance, frequencies, threshold: See :class:`~mmbdg.datasets.class_draws.ClassDraws`.
        placement: See :class:`~mmbdg.datasets.placement.Placement`.
        seed: Seed of the scenes.
        stream: Name that is a part of the address of each scene; scenes of another stream are others. Default "train".
        semantic: Whether items hold label maps instead of instances. Default False.
        pipeline: Transforms.
        test_mode: mmengine's ``test_mode``.

    Raises:
        InputError: A value is out of range, or objects or backgrounds cannot be read.
    """

    bgr = True
    """The items contain ``img`` in BGR, for tools that read a dataset without a pipeline."""

    def __init__(
        self,
        objects: Mapping,
        backgrounds: str | None = None,
        classes: Sequence[str] | str | None = None,
        names: Mapping[str, str | None] | None = None,
        count: int = 1000,
        size: tuple[int, int] = (512, 512),
        num: int | tuple[int, int] = (3, 8),
        balance: Balance = 'class',
        frequencies: Mapping[str, float] | str | None = None,
        threshold: float | None = None,
        placement: Mapping[str, Any] | None = None,
        seed: int = 0,
        stream: str = 'train',
        semantic: bool = False,
        pipeline: Sequence[dict] = (),
        test_mode: bool = False,
    ) -> None:
        self.count, self.semantic = count, semantic
        if type(count) is not int or count < 1:
            raise InputError(f'{type(self).__name__} needs count >= 1, got {count}')
        self.composer = SceneComposer(
            objects, backgrounds, classes, names, size, num, balance, frequencies, threshold, placement, seed, stream
        )
        self.composer.compose(0)  # raises errors here instead of in a worker
        shown = self.composer.classes
        super().__init__(
            metainfo=dict(
                classes=('background', *shown) if semantic else shown,
                palette=palette(len(shown) + 1)[0 if semantic else 1 :],  # without the background colour
            ),
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def load_data_list(self) -> list[dict]:
        return [dict(img_id=index) for index in range(self.count)]

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        scene = self.composer.compose(info['img_id'])
        height, width = shape = scene.image.shape[:2]
        image = np.ascontiguousarray(scene.image[:, :, ::-1])
        info |= dict(img=image, ori_shape=shape, img_shape=shape, scale_factor=(1.0, 1.0), height=height, width=width)
        if self.semantic:
            labels = np.zeros(shape, np.int64)
            for mask, label in zip(scene.masks, scene.labels, strict=True):
                labels[mask] = label + 1
            return info | dict(gt_seg_map=labels, seg_fields=['gt_seg_map'], reduce_zero_label=False)
        instances = [
            dict(
                bbox=[float(end) for end in box],
                bbox_label=int(label),
                ignore_flag=0,
                mask=dict(size=list(shape), counts=run_lengths.encode(mask)),
            )
            for mask, box, label in zip(scene.masks, scene.boxes(), scene.labels, strict=True)
        ]
        return info | dict(instances=instances)
