"""A trained segmentor as the annotator of generated images, for domains in which no rule finds the object."""

import numpy as np
import torch
from mmengine.config import ConfigDict

from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_state_dict
from mmbdg.compat.config import check_keys, read_config
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.registry import INSTALL_HINT, MODELS


class SegmentorRule:
    """Foreground masks by a segmentor of mmseg: all pixels that are probably not the first class, the background.

    It stands in for a person. Its errors become errors of the annotation, so state how good it is on real images.

    Args:
        config: Config file whose ``model`` is a segmentor with the background as first class.
        checkpoint: Its weights, a checkpoint of a training or a state dict, .pth or .safetensors; ``mmbdg://`` for an embedded file.

    Raises:
        InputError: The config has no segmentor, the weights do not exist or do not match, or mmseg is not installed.
    """

    def __init__(self, config: str, checkpoint: str) -> None:
        try:
            from mmseg.models.segmentors import BaseSegmentor
        except ImportError as error:
            raise InputError(f'masks by a segmentor need mmseg, which cannot be imported ({error}): {INSTALL_HINT}') from error
        path = checkpoint_file(checkpoint)
        cfg = read_config(config)
        check_keys(cfg, 'model')
        model = ConfigDict({key: value for key, value in cfg.model.items() if key not in ('init_cfg', 'pretrained')}, _scope_='mmseg')
        with building(f'the segmentor of {config}'):
            self._model = MODELS.build(model).eval()
        if not isinstance(self._model, BaseSegmentor):
            raise InputError(f'model of {config} is {type(self._model).__name__}, not a segmentor of mmseg')
        load_strict(self._model, read_state_dict(path), path)

    @torch.no_grad()
    def __call__(self, image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Foreground mask bool (H,W) of an RGB image uint8 (H,W,3).

        Args:
            image: The image.
            threshold: Probability in 0..1 above which a pixel is foreground. Default 0.5.

        Raises:
            ValueError: The image has another shape or dtype.
        """
        from mmseg.structures import SegDataSample

        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f'a segmentor takes uint8 (H,W,3), got {image.dtype} {image.shape}')
        size = image.shape[:2]
        bgr = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)  # as after OpenMMLab's loading
        sample = SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size))
        data = self._model.data_preprocessor(dict(inputs=[bgr], data_samples=[sample]), training=False)
        scores = self._model.predict(data['inputs'], data['data_samples'])[0].seg_logits.data  # of one channel: already a probability
        foreground = scores[0] if len(scores) == 1 else 1 - scores.softmax(0)[0]
        return (foreground > threshold).numpy()
