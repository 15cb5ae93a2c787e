"""A trained segmentor as the annotator of generated images, for domains in which no rule finds the object."""

import numpy as np
import torch

from mmbdg.sources.segmentor import Segmentor, foreground


class SegmentorRule:
    """Foreground masks by a segmentor of mmseg: all pixels that are probably not the first class, the background.

    It stands in for a person. Its errors become errors of the annotation, so state how good it is on real images.

    Args:
        config: Config file whose ``model`` is a segmentor with the background as first class.
        checkpoint: Its weights, see :class:`~mmbdg.sources.segmentor.Segmentor`.

    Raises:
        InputError: The config has no segmentor, the weights do not exist or do not match, or mmseg is not installed.
    """

    def __init__(self, config: str, checkpoint: str) -> None:
        self._segmentor = Segmentor(config, checkpoint)

    def __call__(self, image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Foreground mask bool (H,W) of an RGB image uint8 (H,W,3).

        Args:
            image: The image.
            threshold: Probability in 0..1 above which a pixel is foreground. Default 0.5.

        Raises:
            ValueError: The image has another shape or dtype.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f'a segmentor takes uint8 (H,W,3), got {image.dtype} {image.shape}')
        inputs = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None]
        return (foreground(self._segmentor.probabilities(inputs))[0] > threshold).numpy()
