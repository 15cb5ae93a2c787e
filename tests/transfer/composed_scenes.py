"""Scenes of the tiny datasets, and functions that write them."""

import numpy as np

from mmbdg.datasets.fashion_scenes import compose_scene


def compose(index, height=96, width=128, garments=3, split='train'):
    """A :class:`~mmbdg.datasets.fashion_scenes.Scene` of the given size."""
    return compose_scene(index, (width, height), garments, split)


def save(path, array, **options):
    """Write an image in the format given by the file suffix."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def polygons_of(mask):
    """Outlines of the components of a mask, each a list of [x, y]."""
    import cv2

    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline[:, 0].tolist() for outline in outlines if len(outline) >= 4]
