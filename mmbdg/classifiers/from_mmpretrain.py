"""Classifiers of mmpretrain, from the config of a model with ``init_cfg`` or from a config file with a checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor, nn

from mmbdg.classifiers.base import Classifier
from mmbdg.classifiers.view import View
from mmbdg.classifiers.weights import load_weights, weights_file
from mmbdg.compat.checkpoint import checkpoint_file, load_pretrained
from mmbdg.errors import InputError
from mmbdg.registry import MODELS

# Steps of a test pipeline that do not change the image.
OTHER_STEPS = ('LoadImage', 'LoadImageFromFile', 'PackInputs')


class MMPretrainClassifier(Classifier):
    """``dict(type='mmpretrain.ImageClassifier', ..., init_cfg=dict(type='Pretrained', checkpoint=PATH))``; its own preprocessor is used."""

    @classmethod
    def build(cls, config: dict, size: int | None) -> 'MMPretrainClassifier':
        """See :func:`mmbdg.classifiers.build_classifier`."""
        cls.files(config)
        model = cls._build_model({key: value for key, value in config.items() if key != 'classes'})
        load_pretrained(model, config['init_cfg'])
        return cls._of(model, View.whole(size) if size else View(), config)

    @classmethod
    def _of(cls, model: nn.Module, view: View, config: dict) -> 'MMPretrainClassifier':
        num_classes = getattr(getattr(model, 'head', None), 'num_classes', None)
        if not num_classes:
            raise InputError(f'{type(model).__name__} of mmpretrain has no classification head; give the config of a classifier')
        return cls(model, view, num_classes, config.get('classes'))

    @staticmethod
    def _build_model(config: dict) -> nn.Module:
        try:
            import mmpretrain  # noqa: F401
        except ImportError as error:
            raise InputError(f'this classifier needs mmpretrain, which cannot be imported ({error}): pip install "mmbdg[onedl]"') from error
        return MODELS.build(config)

    @staticmethod
    def files(config: dict) -> list[Path]:
        """See :func:`mmbdg.classifiers.classifier_files`."""
        init = config.get('init_cfg')
        if not init or 'checkpoint' not in init:
            raise InputError("the classifier needs trained weights: init_cfg=dict(type='Pretrained', checkpoint=...)")
        return [checkpoint_file(init['checkpoint'])]

    @staticmethod
    def identity(config: dict) -> dict[str, Any]:
        """See :func:`mmbdg.classifiers.classifier_identity`."""
        prefix = (config.get('init_cfg') or {}).get('prefix')
        return {key: value for key, value in config.items() if key != 'init_cfg'} | (dict(prefix=prefix) if prefix else {})

    def _normalised(self, model: nn.Module, images: Tensor) -> Tensor:
        preprocessor = model.data_preprocessor
        if getattr(preprocessor, 'to_rgb', False):  # it expects BGR, as mm pipelines load images
            images = images.flip(1)
        return preprocessor(dict(inputs=images), training=False)['inputs']

    def _logits(self, model: nn.Module, inputs: Tensor) -> Tensor:
        return model(inputs, mode='tensor')

    def _features(self, model: nn.Module, inputs: Tensor) -> Tensor:
        features = model.extract_feat(inputs, stage='neck')[-1]
        return features[-1] if isinstance(features, list | tuple) else features  # a transformer returns (patch tokens, class token)


class MMPretrainFile(MMPretrainClassifier):
    """``dict(type='mmpretrain', config=FILE or 'mmpretrain::resnet/resnet50_8xb32_in1k.py', checkpoint=PATH)``.

    The config file defines the model and its preprocessor; images are resized and cropped as in its test pipeline.
    """

    @classmethod
    def build(cls, config: dict, size: int | None) -> 'MMPretrainFile':
        """See :func:`mmbdg.classifiers.build_classifier`."""
        (path,) = cls.files(config)
        decisive = cls.identity(config)
        view = View.whole(size) if size else view_of(decisive['test_pipeline'], config['config'])
        model = cls._build_model(dict(_scope_='mmpretrain', **decisive['model']))
        load_weights(model, path, config)
        return cls._of(model, view, config)

    @staticmethod
    def files(config: dict) -> list[Path]:
        """See :func:`mmbdg.classifiers.classifier_files`."""
        return [weights_file(config, 'checkpoint')]

    @staticmethod
    def identity(config: dict) -> dict[str, Any]:
        """Content of the config file that concerns the model, without paths; see :func:`mmbdg.classifiers.classifier_identity`."""
        cfg = _read(config.get('config'))
        if not isinstance(cfg.get('model'), dict):
            raise InputError(f'{config["config"]} has no model=dict(...); it is not a config of mmpretrain')
        model = {key: value for key, value in cfg['model'].items() if key not in ('init_cfg', 'pretrained', 'train_cfg')}
        model.setdefault('data_preprocessor', cfg.get('data_preprocessor'))
        loader = cfg.get('test_dataloader') or cfg.get('val_dataloader') or {}
        others = {key: value for key, value in config.items() if key not in ('config', 'checkpoint')}
        return dict(**others, model=model, test_pipeline=loader.get('dataset', {}).get('pipeline', []))


def _read(name: object) -> dict:
    """Read a config of mmpretrain, given by path or as ``mmpretrain::...``, into plain types."""
    if not isinstance(name, str | Path):
        raise InputError(f"type='mmpretrain' needs config=PATH or 'mmpretrain::...', got {name!r}")
    if '::' in str(name):
        from mmengine.hub import get_config

        try:
            return get_config(str(name)).to_dict()
        except (FileNotFoundError, ImportError) as error:
            raise InputError(f'there is no config {name} in the installed package ({error})') from error
    if not Path(name).expanduser().is_file():
        raise InputError(f'there is no config at {name}')
    return Config.fromfile(Path(name).expanduser()).to_dict()


def view_of(pipeline: Sequence[dict], source: str = 'the test pipeline') -> View:
    """Convert a test pipeline of mmpretrain to a :class:`View` for square images.

    Args:
        pipeline: Configs of the steps.
        source: Name of the pipeline in messages.

    Raises:
        InputError: The pipeline has a step that is not supported.
    """
    view: dict[str, Any] = {}
    for step in pipeline:
        kind = step['type'].rpartition('.')[2] if isinstance(step['type'], str) else step['type'].__name__
        scale = {'ResizeEdge': 'scale', 'Resize': 'scale', 'CenterCrop': 'crop_size', 'EfficientNetCenterCrop': 'crop_size'}.get(kind)
        side = _side(step.get(scale)) if scale else None
        if kind in OTHER_STEPS:
            continue
        if side is None or 'crop' in view or (kind != 'CenterCrop' and 'resize' in view):
            raise InputError(f'{source} prepares images by {dict(step)}, which is not supported: give a size, e.g. classifier_size=224')
        if kind == 'CenterCrop':
            view['crop'] = side
            continue
        cubic = 'bicubic' if kind.startswith('EfficientNet') else 'bilinear'
        view |= dict(resize=side, interpolation=step.get('interpolation', cubic), antialias=step.get('backend', 'cv2') == 'pillow')
        if kind == 'EfficientNetCenterCrop':
            view['part'] = side / (side + step.get('crop_padding', 32))
    return View(**view)


def _side(scale: object) -> int | None:
    """Side length from a number or two equal numbers; None for anything else."""
    if isinstance(scale, list | tuple) and len(set(scale)) == 1:
        scale = scale[0]
    return scale if isinstance(scale, int) else None
