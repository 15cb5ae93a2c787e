"""Classifiers of timm, an optional library."""

import math
from difflib import get_close_matches

from torch import Tensor, nn

from mmbdg.classifiers.standardised import StandardisedClassifier
from mmbdg.classifiers.view import View
from mmbdg.classifiers.weights import load_weights
from mmbdg.errors import InputError

OURS = ('type', 'model', 'weights', 'classes', 'prefix', 'in_order')


class TimmClassifier(StandardisedClassifier):
    """``dict(type='timm', model='tf_efficientnet_lite0', weights=PATH)``; other keys are passed to ``timm.create_model``.

    Mean, standard deviation, size and centre crop are those of timm's evaluation of the model.
    """

    @classmethod
    def build(cls, config: dict, size: int | None) -> 'TimmClassifier':
        """See :func:`mmbdg.classifiers.build_classifier`."""
        try:
            import timm
        except ImportError as error:
            raise InputError(f'a classifier of timm needs timm, which cannot be imported ({error}): pip install timm') from error
        name, (path,) = str(config.get('model')), cls.files(config)
        if not timm.is_model(name):
            near = get_close_matches(name, timm.list_models(), n=4)
            raise InputError(f'timm has no model "{name}"' + (f'; similar names are {", ".join(near)}' if near else ''))
        options = {key: value for key, value in config.items() if key not in OURS}
        try:
            model = timm.create_model(name, pretrained=False, **options)
        except TypeError as error:
            raise InputError(f'timm cannot build {name} with {options}: {error}') from error
        load_weights(model, path, config)
        return cls(model, config, size)

    def __init__(self, model: nn.Module, config: dict, size: int | None) -> None:
        from timm.data import resolve_data_config

        data = resolve_data_config({}, model=model)
        self._mean, self._std = data['mean'], data['std']
        side = data['input_size'][-1]
        kept = View(resize=math.floor(side / data['crop_pct']), crop=side, interpolation=data['interpolation'])
        super().__init__(model, View.whole(size, kept.interpolation) if size else kept, model.num_classes, config.get('classes'))

    def _features(self, model: nn.Module, inputs: Tensor) -> Tensor:
        return model.forward_head(model.forward_features(inputs), pre_logits=True)
