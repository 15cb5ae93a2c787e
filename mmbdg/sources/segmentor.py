"""A trained segmentor of mmseg that gives the probabilities of its labels."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from torch import Tensor

from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_checkpoint, tensors_under
from mmbdg.compat.config import check_keys, read_config
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.reading import parsed_json
from mmbdg.registry import INSTALL_HINT, MODELS
from mmbdg.schema import Text, validated

WITHOUT_EFFECT = ('init_cfg', 'pretrained', 'train_cfg')
"""Keys of a model's config that change nothing once its weights are loaded. The first two hold paths."""


class Segmentor:
    """A frozen segmentor of mmseg with its own preprocessor.

    Args:
        config: Config file whose ``model`` is a segmentor.
        checkpoint: Its weights, a checkpoint of a training or a state dict, .pth or .safetensors; ``mmbdg://`` for an embedded file.

    Attributes:
        labels: Names of the labels, from the meta information of the training set in the checkpoint; None if it holds none.

    Raises:
        InputError: The config has no segmentor, the weights do not exist or do not match, or mmseg is not installed.
    """

    def __init__(self, config: str, checkpoint: str) -> None:
        try:
            from mmseg.models.segmentors import BaseSegmentor
        except ImportError as error:
            raise InputError(f'masks by a segmentor need mmseg, which cannot be imported ({error}): {INSTALL_HINT}') from error
        self._file = checkpoint_file(checkpoint)
        cfg = read_config(config)
        check_keys(cfg, 'model')
        self._config = {key: value for key, value in cfg.model.items() if key not in ('init_cfg', 'pretrained')}
        with building(f'the segmentor of {config}'):
            self._model = MODELS.build(ConfigDict(self._config, _scope_='mmseg')).eval().requires_grad_(False)
        if not isinstance(self._model, BaseSegmentor):
            raise InputError(f'model of {config} is {type(self._model).__name__}, not a segmentor of mmseg')
        content = read_checkpoint(self._file)
        self.labels = _labels(content, self._file)
        number = getattr(self._model, 'num_classes', None)
        if self.labels is not None and number not in (None, len(self.labels)):
            raise InputError(
                f'the segmentor of {config} has {number} labels, but {self._file} was trained with {len(self.labels)}: '
                f'{named(self.labels)}; give the config that its training wrote into the work dir'
            )
        load_strict(self._model, tensors_under(content, '', self._file), self._file)

    def to(self, device: torch.device | str) -> 'Segmentor':
        """Move the network to a device, and return the segmentor."""
        self._model.to(device)
        return self

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """Probabilities of the labels of each pixel.

        Args:
            images: RGB images, uint8 (N,3,H,W), on any device.

        Returns:
            float32 (N,L,H,W) in 0..1 on the device of the network. L is the number of labels, 2 for a segmentor with a single output.
        """
        from mmseg.structures import SegDataSample

        size = tuple(images.shape[2:])
        samples = [SegDataSample(metainfo=dict(ori_shape=size, img_shape=size, pad_shape=size)) for _ in images]
        bgr = list(images.flip(1))  # as after OpenMMLab's loading
        data = self._model.data_preprocessor(dict(inputs=bgr, data_samples=samples), training=False)
        predicted = self._model.predict(data['inputs'], data['data_samples'])
        scores = torch.stack([sample.seg_logits.data for sample in predicted]).float()
        # mmseg gives logits of several outputs, but the probability of a single one.
        return torch.cat([1 - scores, scores], 1) if scores.shape[1] == 1 else scores.softmax(1)

    def identity(self) -> dict[str, dict[str, Any]]:
        """Config of the model without paths, checksum of the weights and version of mmseg, see :meth:`mmbdg.sources.Source.identity`."""
        from mmseg import __version__

        with building("the JSON text of the segmentor's config"):
            model = parsed_json(json.dumps(_decisive(self._config)), "the segmentor's config")
        return dict(config=dict(model=model), checksums=dict(segmentor=sha256(self._file)), versions=dict(mmseg=__version__))


def foreground(probabilities: Tensor) -> Tensor:
    """Probability of all labels but the first, the background: (N,L,H,W) -> (N,H,W)."""
    return probabilities[:, 1:].sum(1).clamp(max=1)  # a rounded sum can exceed 1


def named(labels: Sequence[str]) -> str:
    """The first names of labels, for messages."""
    return ', '.join(labels[:12]) + (', ...' if len(labels) > 12 else '')


def _decisive(config: Any) -> Any:
    """A config without the keys in :data:`WITHOUT_EFFECT`, at any depth."""
    if isinstance(config, Mapping):
        return {key: _decisive(value) for key, value in config.items() if key not in WITHOUT_EFFECT}
    return [_decisive(value) for value in config] if isinstance(config, list | tuple) else config


def _labels(checkpoint: dict, path: Path) -> tuple[str, ...] | None:
    """Names of the labels in a checkpoint of mmengine."""
    found: Any = checkpoint
    for key in ('meta', 'dataset_meta', 'classes'):
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return None
    names = list(found) if isinstance(found, tuple) else found
    return tuple(validated(list[Text], names, f'{path}: meta.dataset_meta.classes'))
