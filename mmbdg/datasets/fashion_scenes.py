"""Scenes composed of Fashion-MNIST photos: several garments on a textured background, each with class, box and mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from mmengine.dataset import BaseDataset

from mmbdg import run_lengths
from mmbdg.addressed import generator_at
from mmbdg.analysis.statistics.mask_columns import tight_box
from mmbdg.annotation.foreground import fashion_foreground
from mmbdg.datasets.fashion_files import CLASSES, load_fashion
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS
from mmbdg.storage.palette import palette

SIDES = (24, 64)
"""Minimum and maximum side of a photo in a scene, in pixels."""
PLACES = 20
"""Number of random positions tried for each garment; the one that hides least of the other garments is used."""


@dataclass
class Scene:
    """A scene: image uint8 (H,W,3) RGB; masks bool (N,H,W) of the visible part of each garment; labels int64 (N,), 0..9."""

    image: np.ndarray
    masks: np.ndarray
    labels: np.ndarray

    def boxes(self) -> np.ndarray:
        """Boxes of the visible parts, int64 (N,4): x1, y1, x2, y2, with x2 and y2 exclusive."""
        slices = [tight_box(mask) for mask in self.masks]
        return np.array([(x.start, y.start, x.stop, y.stop) for y, x in slices], dtype=np.int64).reshape(-1, 4)


def compose_scene(
    index: int,
    size: tuple[int, int] = (128, 128),
    garments: int | tuple[int, int] = (2, 4),
    split: str = 'train',
    source: str = 'embedded',
    seed: int = 0,
) -> Scene:
    """Compose one scene; the result depends only on the arguments.

    Each garment is a photo of a uniformly drawn class, resized and tinted at random; its mask comes from the foreground rule. A garment may
    hide parts of earlier ones. Garments that are completely hidden are removed.

    Args:
        index: Index of the scene.
        size: Width and height in pixels, at least 32 each.
        garments: Number of garments, or its minimum and maximum.
        split: Split of the photos, "train" or "test".
        source: See :func:`~mmbdg.datasets.fashion_files.load_fashion`.
        seed: Seed of all scenes.

    Raises:
        InputError: The scene is smaller than 32 px, or the numbers of garments are not a valid range.
    """
    width, height = size
    least, most = (garments, garments) if isinstance(garments, int) else garments
    if min(size) < 32 or not 0 <= least <= most:
        raise InputError(f'a scene needs a size of at least 32x32 and 0 or more garments, got {width}x{height} and {garments}')
    rng = generator_at('scene', seed, split, index)
    photos, classes = load_fashion(split, source)
    image = textured_ground(rng, height, width)
    labels = rng.integers(0, len(CLASSES), rng.integers(least, most + 1))
    masks = np.zeros((0, height, width), bool)
    for label in labels:
        photo = photos[rng.choice(np.flatnonzero(classes == label))]
        side = round(np.exp(rng.uniform(*np.log([SIDES[0], min(SIDES[1], 0.75 * min(size))]))))
        grey, shape = _resized(photo, side), _resized(fashion_foreground(photo).astype(np.uint8) * 255, side) > 127
        top, left = _place(rng, masks, shape)
        area = np.zeros((height, width), bool)
        area[top : top + side, left : left + side] = shape
        image[area] = (grey[shape][:, None] * rng.uniform(0.5, 1.0, 3)).astype(np.uint8)
        masks = np.concatenate([masks & ~area, area[None]])
    seen = masks.any((1, 2))
    return Scene(image, masks[seen], labels[seen])


def textured_ground(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Random background of smooth colour patches with noise, uint8 (height,width,3)."""
    from PIL import Image

    patches = rng.integers(40, 200, (4, 5, 3)).astype(np.uint8)
    soft = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    return np.clip(soft + rng.normal(0, 12, (height, width, 1)), 0, 255).astype(np.uint8)


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR))


def _place(rng: np.random.Generator, masks: np.ndarray, shape: np.ndarray) -> tuple[int, int]:
    """Top and left position that minimises the largest fraction of another garment's visible part that gets hidden."""
    (height, width), side = masks.shape[1:], len(shape)
    places = rng.integers(0, (height - side + 1, width - side + 1), (PLACES, 2)).tolist()
    seen = np.maximum(masks.sum((1, 2)), 1)

    def lost(place: list[int]) -> float:
        top, left = place
        return max(((masks[:, top : top + side, left : left + side] & shape).sum((1, 2)) / seen).tolist(), default=0.0)

    top, left = min(places, key=lost)
    return top, left


@DATASETS.register_module()
class FashionScenes(BaseDataset):
    """The scenes 0..count-1 of :func:`compose_scene`, for detection and instance segmentation with mmdet.

    Each item holds ``img`` uint8 (H,W,3) BGR, as after OpenMMLab's image loading, and ``instances`` as in ``CocoDataset``. A pipeline
    begins with ``mmdet.LoadAnnotations`` and ends with ``mmdet.PackDetInputs``. If its ``meta_keys`` contain "instances", the samples carry
    the ground truth, and ``mmdet.CocoMetric`` needs no annotation file.

    Args:
        split: Split of the photos, "train" or "test".
        source: See :func:`~mmbdg.datasets.fashion_files.load_fashion`.
        count: Number of scenes, at least 1.
        size: Width and height in pixels, at least 32 each.
        garments: Number of garments per scene, or its minimum and maximum.
        seed: Seed of the scenes.
        pipeline: Transforms.
        test_mode: mmengine's ``test_mode``.

    Raises:
        InputError: ``count`` is below 1, or see :func:`compose_scene`.
    """

    def __init__(
        self,
        split: str = 'train',
        source: str = 'embedded',
        count: int = 1000,
        size: tuple[int, int] = (128, 128),
        garments: int | tuple[int, int] = (2, 4),
        seed: int = 0,
        pipeline: Sequence[dict] = (),
        test_mode: bool = False,
    ) -> None:
        self.count = count
        self.scene = dict(size=tuple(size), garments=garments, split=split, source=source, seed=seed)
        if count < 1:
            raise InputError(f'FashionScenes needs count >= 1, got {count}')
        compose_scene(0, **self.scene)  # raises errors here instead of in a worker
        super().__init__(
            metainfo=dict(classes=CLASSES, palette=palette(len(CLASSES) + 1)[1:]),  # without the background colour
            pipeline=list(pipeline),
            test_mode=test_mode,
            serialize_data=False,
        )

    def load_data_list(self) -> list[dict]:
        return [dict(img_id=index) for index in range(self.count)]

    def get_data_info(self, idx: int) -> dict:
        info = super().get_data_info(idx)
        scene = compose_scene(info['img_id'], **self.scene)
        shape = scene.image.shape[:2]
        instances = [
            dict(
                bbox=[float(end) for end in box],
                bbox_label=int(label),
                ignore_flag=0,
                mask=dict(size=list(shape), counts=run_lengths.encode(mask)),
            )
            for mask, box, label in zip(scene.masks, scene.boxes(), scene.labels, strict=True)
        ]
        height, width = shape
        image = np.ascontiguousarray(scene.image[:, :, ::-1])
        return info | dict(
            img=image, instances=instances, ori_shape=shape, img_shape=shape, scale_factor=(1.0, 1.0), height=height, width=width
        )
