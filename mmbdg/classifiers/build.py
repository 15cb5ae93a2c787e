"""A classifier from a config."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbdg.classifiers.base import Classifier
from mmbdg.classifiers.from_mmpretrain import MMPretrainClassifier, MMPretrainFile
from mmbdg.classifiers.from_timm import TimmClassifier
from mmbdg.classifiers.from_torchvision import TorchvisionClassifier
from mmbdg.data_configs import building
from mmbdg.errors import InputError
from mmbdg.reading import parsed_json

KINDS = {'mmpretrain': MMPretrainFile, 'torchvision': TorchvisionClassifier, 'timm': TimmClassifier}


def build_classifier(config: dict, size: int | None = None) -> Classifier:
    """A trained classifier, frozen, on the CPU until it is shown images elsewhere.

    Args:
        config: One of

            - ``dict(type='mmpretrain.ImageClassifier', ..., init_cfg=dict(type='Pretrained', checkpoint=PATH))``, a model's config;
            - ``dict(type='mmpretrain', config=FILE or 'mmpretrain::resnet/resnet50_8xb32_in1k.py', checkpoint=PATH)``;
            - ``dict(type='torchvision', model='resnet50', weights=PATH)``;
            - ``dict(type='timm', model='tf_efficientnet_lite0', weights=PATH)``.

            All take ``classes``, the names of its classes or ``'in1k'``, for a class map by name. A file holds a state dict of plain
            tensors, as ``.pth`` or ``.safetensors``; ``prefix`` is taken off its names, ``in_order=True`` takes tensors that have
            other names in the model's order. Nothing is downloaded.
        size: Height and width in pixels images are resized to before it sees them; None for what its library does when it evaluates
            (resize, cut out the centre), or the images' own where only a model's config is given.

    Raises:
        InputError: No weights are named, they are not there or do not fit, or the library is not installed.
    """
    kind = _kind(config)
    with building('the classifier'):
        return kind.build(config, size)


def classifier_files(config: dict) -> list[Path]:
    """The files that hold its weights, for a checksum.

    Raises:
        InputError: None is named, or it is not there.
    """
    return _kind(config).files(config)


def classifier_identity(config: dict) -> dict[str, Any]:
    """What decides its answers beside the weights, in plain types: the config without paths.

    Raises:
        InputError: A config file it names is not there.
    """
    return parsed_json(json.dumps(_kind(config).identity(config), default=str), 'the config of the classifier')


def _kind(config: dict) -> type[Classifier]:
    if not isinstance(config, Mapping) or 'type' not in config:
        raise InputError(f'a classifier is dict(type=...): a model of mmpretrain, or {" or ".join(map(repr, KINDS))}; got {config!r}')
    return KINDS.get(config['type'], MMPretrainClassifier)
