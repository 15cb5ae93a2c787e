"""Classifiers of torchvision."""

import re
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from mmbdg.classifiers.standardised import StandardisedClassifier
from mmbdg.classifiers.view import View
from mmbdg.classifiers.weights import load_weights
from mmbdg.errors import InputError

OURS = ('type', 'model', 'weights', 'classes', 'preprocessing', 'prefix', 'in_order')


class TorchvisionClassifier(StandardisedClassifier):
    """``dict(type='torchvision', model='resnet50', weights=PATH)``.

    ``preprocessing`` is the name of the torchvision weights whose preprocessing is used, e.g. 'IMAGENET1K_V1'; default: the model's default
    weights. Other keys, such as ``num_classes``, are passed to the model.
    """

    @classmethod
    def build(cls, config: dict, size: int | None) -> 'TorchvisionClassifier':
        """See :func:`mmbdg.classifiers.build_classifier`."""
        from torchvision import models

        name, (path,) = config.get('model'), cls.files(config)
        if name not in (known := models.list_models(module=models)):
            near = get_close_matches(str(name), known, n=4)
            raise InputError(f'torchvision has no classifier {name!r}' + (f'; similar names are {", ".join(near)}' if near else ''))
        options = {key: value for key, value in config.items() if key not in OURS}
        if name in ('googlenet', 'inception_v3'):  # torchvision builds them this way for pre-trained weights
            options = dict(transform_input=True, init_weights=False) | options
        try:
            model = models.get_model(name, weights=None, **options)
        except TypeError as error:
            raise InputError(f'torchvision cannot build {name} with {options}: {error}') from error
        load_weights(model, path, config, _renamed if name.startswith('densenet') else str)
        return cls(model, name, config, size)

    def __init__(self, model: nn.Module, name: str, config: dict, size: int | None) -> None:
        preset = _preset(name, config.get('preprocessing', 'DEFAULT'))
        self._mean, self._std = preset.mean, preset.std
        interpolation = preset.interpolation.value
        (resize,), (crop,) = preset.resize_size, preset.crop_size
        view = View.whole(size, interpolation) if size else View(resize=resize, crop=crop, interpolation=interpolation)
        super().__init__(model, view, config.get('num_classes', 1000), config.get('classes'))

    def _features(self, model: nn.Module, inputs: Tensor) -> Tensor:
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
        if not linear:  # SqueezeNet ends with the pooling
            return model(inputs)
        seen: list[Tensor] = []
        with linear[-1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0])):
            model(inputs)
        return seen[0]


def _preset(name: str, preprocessing: str) -> Any:
    """Preprocessing of torchvision weights: sizes, mean and standard deviation."""
    from torchvision import models

    known = models.get_model_weights(name).__members__
    if preprocessing not in known:
        raise InputError(f'torchvision has no weights {preprocessing!r} of {name}; known are {", ".join(known)}')
    return known[preprocessing].transforms()


def _renamed(key: str) -> str:
    """Convert the old layer names in DenseNet's published files to torchvision's current names: norm.1 to norm1."""
    return re.sub(r'(denselayer\d+\.(?:norm|conv))\.([12]\.)', r'\1\2', key)
