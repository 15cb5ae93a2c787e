"""Scenes composed of Fashion-MNIST photos: several garments on a textured background, each with class, box and mask."""

from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from mmbdg.datasets.composed_scenes import ComposedScenes, Scene, SceneComposer
from mmbdg.datasets.fashion_files import CLASSES
from mmbdg.datasets.placement import numbers_of
from mmbdg.registry import DATASETS

PLACEMENT = dict(sides=(24, 64), max_share=0.75, crop=False, flip=0.0, tint=(0.5, 1.0), places=20)
"""How garments are placed, see :class:`~mmbdg.datasets.placement.Placement`."""


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
    return _composer(tuple(size), garments if isinstance(garments, int) else tuple(garments), split, source, seed).compose(index)


@cache
def _composer(size: tuple[int, int], garments: int | tuple[int, int], split: str, source: str, seed: int) -> SceneComposer:
    return SceneComposer(**scenes_of(size, garments, split, source, seed))


def scenes_of(size: tuple[int, int], garments: int | tuple[int, int], split: str, source: str, seed: int) -> dict:
    """The config of :class:`ComposedScenes` that composes these scenes."""
    objects = dict(type='mmbdg.FashionObjects', split=split, source=source)
    return dict(objects=objects, size=size, num=numbers_of(garments, 'garments'), placement=PLACEMENT, seed=seed, stream=split)


@DATASETS.register_module()
class FashionScenes(ComposedScenes):
    """The scenes 0..count-1 of :func:`compose_scene`, for detection and instance segmentation with mmdet.

    A config of :class:`ComposedScenes`, which describes the items.

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

    METAINFO: ClassVar[dict] = dict(classes=CLASSES)

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
        super().__init__(**scenes_of(size, garments, split, source, seed), count=count, pipeline=pipeline, test_mode=test_mode)
