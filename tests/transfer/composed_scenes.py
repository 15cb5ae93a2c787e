"""Scenes of the embedded product photos: several garments on a textured ground, with the mask of each."""

from dataclasses import dataclass

import numpy as np

from mmbdg.analysis.foreground import fashion_foreground
from mmbdg.datasets.fashion_files import load_fashion
from mmbdg.synthesis.latents import generator_at

SIDE = 32
"""Of a garment, in pixels; some are twice as large."""


@dataclass
class Scene:
    """image uint8 (H,W,3) RGB; masks bool (N,H,W), what is visible of each garment; labels int64 (N) 0..9."""

    image: np.ndarray
    masks: np.ndarray
    labels: np.ndarray


def textured_ground(rng, height, width):
    """Soft patches of colour with grain, uint8 (H,W,3)."""
    from PIL import Image

    patches = rng.integers(40, 200, (4, 5, 3)).astype(np.uint8)
    soft = np.asarray(Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)).astype(float)
    return np.clip(soft + rng.normal(0, 12, (height, width, 1)), 0, 255).astype(np.uint8)


def compose(index, height=96, width=128, garments=3, split='train', labels=None):
    """The scene with this index; ``labels`` names the garments' classes."""
    rng = generator_at('scene', split, index)
    photos, classes = load_fashion(split)
    image, masks = textured_ground(rng, height, width), []
    labels = rng.integers(0, 10, garments) if labels is None else np.asarray(labels)
    for number, label in enumerate(labels):
        photo = photos[rng.choice(np.flatnonzero(classes == label))]
        times = 2 if number == 0 and height >= 2 * SIDE else 1
        mask = np.kron(fashion_foreground(photo), np.ones((times, times), bool))
        photo = np.kron(photo, np.ones((times, times), np.uint8))
        # Side by side, so that a part of each is seen.
        left = int(number * (width - len(mask)) / max(1, len(labels) - 1)) if len(labels) > 1 else (width - len(mask)) // 2
        top = int(rng.integers(0, height - len(mask) + 1))
        area = np.zeros((height, width), bool)
        area[top : top + len(mask), left : left + len(mask)] = mask
        tint = rng.uniform(0.5, 1.0, 3)
        image[area] = (photo[mask][:, None] * tint).astype(np.uint8)
        masks = [below & ~area for below in masks] + [area]
    return Scene(image, np.array(masks).reshape(-1, height, width), labels)


def box_of(mask):
    """x1, y1, x2, y2 of the pixels, the ends one beyond."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def save(path, array, **options):
    """An image, in the format that the name ends with."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def polygons_of(mask):
    """Outlines of the parts of a mask, each a list of [x, y]."""
    import cv2

    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [outline[:, 0].tolist() for outline in outlines if len(outline) >= 4]
