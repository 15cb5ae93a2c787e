"""Contact sheet of a set of annotated latents."""

import os
from pathlib import Path

import numpy as np

from mmbdg.annotation.mask_values import BACKGROUND, FOREGROUND, IGNORE
from mmbdg.images import open_image, read_mask
from mmbdg.listing import list_files
from mmbdg.visualization.contact_sheet import grid, overlay, save_picture

COLOURS = [[0, 0, 0], [255, 60, 0], [0, 120, 255]]  # background, foreground and ignored pixels
MOST = 500
SIDE = 128


def write_mask_sheet(root: str | os.PathLike, name: str) -> None:
    """Write ``root/contact_sheet.png``: each image beside the image with its mask overlaid, ten per row, at most 500, evenly spread.

    Foreground is red, ignored pixels are blue. For a pair without an image, the mask is shown in grey.
    """
    root = Path(root)
    masks = list_files(root / 'annotations' / name, ('.png',), depth=1).files
    picked = [masks[i] for i in np.unique(np.linspace(0, len(masks) - 1, min(MOST, len(masks))).round().astype(int))]
    cells = [_cell(path, root / 'images' / name / path.parent.name / path.name) for path in picked]
    save_picture(root / 'contact_sheet.png', grid(cells, columns=10))


def _cell(mask_path: Path, image_path: Path) -> np.ndarray:
    mask = _fitted(read_mask(mask_path))
    image = np.repeat(mask[..., None], 3, axis=2)
    if image_path.is_file():
        image = _fitted(open_image(image_path))
    ids = np.select([mask == BACKGROUND, mask == FOREGROUND, mask == IGNORE], [0, 1, 2])
    return np.concatenate([image, overlay(image, ids, COLOURS)], axis=1)


def _fitted(picture: np.ndarray) -> np.ndarray:
    """Resize a picture to about SIDE pixels by an integer factor: larger ones are subsampled, smaller ones have repeated pixels."""
    factor = SIDE / max(picture.shape[:2])
    if factor < 1:
        step = round(1 / factor)
        return picture[::step, ::step]
    return picture.repeat(round(factor), axis=0).repeat(round(factor), axis=1)
