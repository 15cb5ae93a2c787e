"""Build a classifier from a config."""

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
    """Build a trained, frozen classifier. It is on the CPU, and moves to the device of the images that it is given.

    Args:
        config: Config of the classifier, one of

            - ``dict(type='mmpretrain.ImageClassifier', ..., init_cfg=dict(type='Pretrained', checkpoint=PATH))``, a model's config;
            - ``dict(type='mmpretrain', config=FILE or 'mmpretrain::resnet/resnet50_8xb32_in1k.py', checkpoint=PATH)``;
            - ``dict(type='torchvision', model='resnet50', weights=PATH)``;
            - ``dict(type='timm', model='tf_efficientnet_lite0', weights=PATH)``.

            All accept ``classes``: the names of the classes, or ``'in1k'``, for a class map by name. The weights file holds a state dict
            of plain tensors, as ``.pth`` or ``.safetensors``. ``prefix`` is removed from its keys; ``in_order=True`` ignores the keys and
            assigns the tensors in the order of the model's. Nothing is downloaded.
        size: Height and width in pixels to which images are resized. Default None: the evaluation preprocessing of the library (resize,
            centre crop), or no resizing if only the config of a model is given.

    Raises:
        InputError: The weights are not given, do not exist or do not match, or the library is not installed.
    """
    kind = _kind(config)
    with building('the classifier'):
        return kind.build(config, size)


def classifier_files(config: dict) -> list[Path]:
    """Paths of the weights files of a classifier, for checksums.

    Raises:
        InputError: No file is given, or it does not exist.
    """
    return _kind(config).files(config)


def classifier_identity(config: dict) -> dict[str, Any]:
    """Config of a classifier without paths, in plain types. Together with the weights it determines the output.

    Raises:
        InputError: The config file that it names does not exist.
    """
    return parsed_json(json.dumps(_kind(config).identity(config), default=str), 'the config of the classifier')


def _kind(config: dict) -> type[Classifier]:
    if not isinstance(config, Mapping) or 'type' not in config:
        raise InputError(f'a classifier is dict(type=...): a model of mmpretrain, or {" or ".join(map(repr, KINDS))}; got {config!r}')
    return KINDS.get(config['type'], MMPretrainClassifier)
