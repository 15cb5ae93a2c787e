"""Three ways to put an object into an image: plain, with a soft border, or in the gradient domain (Poisson)."""

import math
from typing import Literal, get_args

import cv2
import numpy as np

Blend = Literal['none', 'gaussian', 'poisson']
BLENDS = get_args(Blend)
ERODED = 3
"""Pixels by which ``cv2.seamlessClone`` shrinks a mask; it gets a mask that is larger by as many."""
BORDER = 2
"""Further pixels around the object during Poisson blending, so that an object at the edge of the image has a border to fit to."""


def blend_in(
    image: np.ndarray, pixels: np.ndarray, mask: np.ndarray, top: int, left: int, blend: Blend = 'none', sigma: float = 1.0
) -> None:
    """Put an object into an image, in place.

    ``gaussian``: alpha is the mask, blurred with a Gaussian (Dwibedi et al. 2017, "Cut, Paste and Learn"); image = alpha * object +
    (1 - alpha) * image, rounded. Outside its mask the object has the colour of its nearest pixel, so that the background of its own image
    does not show. ``poisson``: Pérez et al. 2003, by OpenCV's ``seamlessClone`` (NORMAL_CLONE); only pixels of the mask change. The
    object keeps its gradients and takes on the colours around it, so that an object of one colour disappears.

    Args:
        image: Image, uint8 (H,W,3), changed in place.
        pixels: Image of the object, uint8 (h,w,3), with the channels in the order of ``image``.
        mask: Mask of the object, bool (h,w).
        top, left: Position of the object, which lies inside the image.
        blend: "none", "gaussian" or "poisson"; default "none".
        sigma: Standard deviation of the Gaussian, in pixels; default 1.0.
    """
    if not mask.any():
        return
    if blend == 'gaussian':
        _gaussian(image, pixels, mask, top, left, sigma)
        return
    height, width = mask.shape
    if blend == 'poisson':
        pixels = _poisson(image, pixels, mask, top, left)
    image[top : top + height, left : left + width][mask] = pixels[mask]


def _gaussian(image: np.ndarray, pixels: np.ndarray, mask: np.ndarray, top: int, left: int, sigma: float) -> None:
    reach = math.ceil(3 * sigma)
    inside = np.pad(mask, reach)
    colours = continued(np.pad(pixels, ((reach, reach), (reach, reach), (0, 0))), inside)
    size = 2 * reach + 1
    alpha = cv2.GaussianBlur(inside.astype(np.float32), (size, size), sigma, borderType=cv2.BORDER_CONSTANT)[:, :, None]
    y, x = top - reach, left - reach  # position of the padded object; may be outside the image
    rows = slice(max(0, -y), min(inside.shape[0], image.shape[0] - y))
    columns = slice(max(0, -x), min(inside.shape[1], image.shape[1] - x))
    part = image[rows.start + y : rows.stop + y, columns.start + x : columns.stop + x]
    alpha, colours = alpha[rows, columns], colours[rows, columns]
    part[:] = np.rint(alpha * colours + (1 - alpha) * part).astype(np.uint8)


def continued(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """An object's image, uint8 (h,w,3); outside its mask, bool (h,w) and not empty, it has the colour of the nearest pixel in it."""
    from scipy import ndimage

    rows, columns = ndimage.distance_transform_edt(~mask, return_distances=False, return_indices=True)
    return pixels[rows, columns]


def _poisson(image: np.ndarray, pixels: np.ndarray, mask: np.ndarray, top: int, left: int) -> np.ndarray:
    """Pixels of the object in the gradient domain, uint8 (h,w,3)."""
    reach = ERODED + BORDER
    inside = np.pad(mask, reach)
    source = continued(np.pad(pixels, ((reach, reach), (reach, reach), (0, 0))), inside)
    larger = cv2.dilate(inside.astype(np.uint8) * 255, np.ones((3, 3), np.uint8), iterations=ERODED)
    # The part of the image below the padded object; at the edges of the image the nearest pixel is repeated.
    rows, columns = (
        np.clip(np.arange(start - reach, start + length + reach), 0, size - 1)
        for start, length, size in zip((top, left), mask.shape, image.shape[:2], strict=True)
    )
    ground = np.ascontiguousarray(image[np.ix_(rows, columns)])
    x, y, width, height = cv2.boundingRect(larger)
    centre = x + width // 2, y + height // 2  # seamlessClone puts the middle of the mask's bounding box there
    cloned = cv2.seamlessClone(source, ground, larger, centre, cv2.NORMAL_CLONE)
    return cloned[reach:-reach, reach:-reach]
