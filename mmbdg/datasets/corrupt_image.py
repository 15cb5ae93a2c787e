"""The published corruptions of Hendrycks and Dietterich (2019), with addressed random numbers."""

from types import ModuleType

import numpy as np
from mmcv.transforms import BaseTransform

from mmbdg.addressed import generator_at, numpy_random_at
from mmbdg.errors import InputError, nearest
from mmbdg.registry import TRANSFORMS

INSTALL = 'pip install "mmbdg[corruptions]"'
SEVERITIES = (1, 2, 3, 4, 5)
SMALLEST = 32
"""Smallest side of an image that the library takes, in pixels."""
OWN_SEED = ('impulse_noise', 'glass_blur')
"""Corruptions that take a seed; all others draw from numpy's global generator."""


def corruptions_library() -> ModuleType:
    """The module ``imagecorruptions``.

    Raises:
        InputError: It is not installed.
    """
    try:
        import imagecorruptions
    except ModuleNotFoundError as error:
        if error.name != 'imagecorruptions':
            raise
        raise InputError(f'corruptions need imagecorruptions, which is not installed: {INSTALL}') from error
    return imagecorruptions


def corrupted(image: np.ndarray, corruption: str, severity: int, *address: int | str) -> np.ndarray:
    """Corrupt an image; the same bytes for the same image, corruption, severity and address.

    Args:
        image: RGB uint8 (H,W,3), sides of at least 32 px. The library's severities were chosen for ImageNet at 224 px.
        corruption: One of the library's names, e.g. "fog".
        severity: 1 to 5.
        *address: Address of the random numbers, such as (seed, index).

    Returns:
        RGB uint8 (H,W,3).

    Raises:
        InputError: The library is not installed, or the image is too small.
    """
    if min(image.shape[:2]) < SMALLEST:
        raise InputError(f'an image has {image.shape[1]}x{image.shape[0]} px; corruptions need at least {SMALLEST} a side')
    address = (*address, corruption, severity)
    own = dict(seed=int(generator_at(*address).integers(2**31))) if corruption in OWN_SEED else {}
    with numpy_random_at(*address):
        return corruptions_library().corrupt(np.ascontiguousarray(image), severity=severity, corruption_name=corruption, **own)


@TRANSFORMS.register_module()
class CorruptImage(BaseTransform):
    """Corrupts ``img`` as published for ImageNet-C, by the library imagecorruptions. Masks stay as they are.

    The image is a function of (seed, index, corruption, severity) only, whatever the number of workers. The index is ``img_id`` of the
    item, the place of the image in its official split, or ``sample_idx``, its place in the dataset.

    Args:
        corruption: Name of one of the 15 corruptions ("gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur",
            "motion_blur", "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate",
            "jpeg_compression") or of the four for validation ("speckle_noise", "gaussian_blur", "spatter", "saturate"). None: the image
            stays.
        severity: 1 to 5.
        seed: Seed of the random numbers.
        bgr: Whether ``img`` is BGR, as after OpenMMLab's image loading. Default True.

    Raises:
        InputError: The corruption is unknown, the severity is no whole number from 1 to 5, or imagecorruptions is not installed; (when
            called) the image is no uint8 (H,W,3) of at least 32 px a side, or the item has no index.
    """

    def __init__(self, corruption: str | None, severity: int = 1, seed: int = 0, bgr: bool = True) -> None:
        self.seed, self.bgr = seed, bgr
        self.choose(corruption, severity)

    def choose(self, corruption: str | None, severity: int) -> None:
        """Set another corruption, for a test that measures several of them."""
        known = corruptions_library().get_corruption_names('all')
        if corruption is not None and corruption not in known:
            raise InputError(f'there is no corruption {corruption!r}{nearest(str(corruption), known)}; there are {", ".join(known)}')
        if type(severity) is not int or severity not in SEVERITIES:
            raise InputError(f'the severity of a corruption is a whole number from 1 to 5; got {severity!r}')
        self.corruption, self.severity = corruption, severity

    def transform(self, results: dict) -> dict:
        if self.corruption is None:
            return results
        image, index = results['img'], results.get('img_id', results.get('sample_idx'))
        if index is None:
            raise InputError('mmbdg.CorruptImage needs img_id or sample_idx in an item: its random numbers have the address of the image')
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(f'mmbdg.CorruptImage takes images uint8 (H,W,3), got {image.dtype} {image.shape}: put it before normalisation')
        turn = slice(None, None, -1) if self.bgr else slice(None)
        found = corrupted(image[:, :, turn], self.corruption, self.severity, self.seed, index)
        return results | dict(img=np.ascontiguousarray(found[:, :, turn]))

    def __repr__(self) -> str:
        return f'CorruptImage(corruption={self.corruption!r}, severity={self.severity}, seed={self.seed}, bgr={self.bgr})'
