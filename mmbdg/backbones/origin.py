"""Origin of a checkpoint: the config and the metadata of its training, as stored in the checkpoint."""

import re
from typing import Any, NamedTuple

from torch import Tensor

from mmbdg.compat.checkpoint import tensors_under
from mmbdg.compat.config_text import read_config_text
from mmbdg.errors import InputError
from mmbdg.parts import SHORT_NAMES, parts_of

NESTED = ('dataset', 'datasets', *SHORT_NAMES, 'parts', 'ratios', 'prepare')  # keys of nested dicts in the config of a dataset


class Origin(NamedTuple):
    """Origin of a backbone.

    Args:
        cfg: Config of the training; None if the checkpoint has none, or one that cannot be read.
        cfg_text: Source of that config, as stored in the checkpoint.
        backbone: Config of the backbone, from the training's config or given by the user; None if unknown.
        meta: Iteration, epoch, seed, time and mmengine's version, as far as the checkpoint stores them.
        commit: Git commit of the folder in which the training ran; None if unknown or not in a repository.
    """

    cfg: dict | None
    cfg_text: str | None
    backbone: dict | None
    meta: dict[str, Any]
    commit: str | None


def read_origin(checkpoint: dict, prefix: str, source: str, stated: dict | None = None) -> Origin:
    """Read the origin of the tensors under ``prefix`` from a checkpoint.

    Args:
        checkpoint: Checkpoint returned by :func:`mmbdg.compat.checkpoint.read_checkpoint`.
        prefix: Prefix of the backbone's keys.
        source: Name of the checkpoint, for messages.
        stated: Config of the backbone given by the user, for a checkpoint without a config; default None.

    Raises:
        InputError: ``stated`` is given although the checkpoint has a config of the backbone.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint.get('meta'), dict) else {}
    text = meta.get('cfg') if isinstance(meta.get('cfg'), str) else None
    try:
        cfg = text and read_config_text(text, source)
    except InputError as error:
        print(error)
        cfg = None
    backbone = _backbone(cfg, checkpoint, prefix, source) if cfg else None
    if stated and backbone:
        raise InputError(f'{source} has a config of the backbone; --backbone is only for checkpoints without one: {backbone}')
    version = re.fullmatch(r'(.*?)([0-9a-f]{40})?', str(meta.get('mmengine_version', '')))  # mmengine appends the commit of the folder
    known = {key: meta[key] for key in ('iter', 'epoch', 'seed', 'time') if isinstance(meta.get(key), int | str)}
    if version and version[1]:
        known['mmengine'] = version[1]
    return Origin(cfg or None, text, backbone or stated, known, version[2] if version else None)


def _backbone(cfg: dict, checkpoint: dict, prefix: str, source: str) -> dict | None:
    """Config of the module under the prefix: the part of the model with that name, or a copy of the backbone (a momentum encoder)."""
    node: Any = cfg.get('model')
    for part in prefix.strip('.').split('.'):
        node = node.get(part) if isinstance(node, dict) else None
    if isinstance(node, dict):
        return node
    backbone = cfg['model'].get('backbone') if isinstance(cfg.get('model'), dict) else None
    return backbone if backbone and _shapes(checkpoint, prefix, source) == _shapes(checkpoint, 'backbone.', source) else None


def _shapes(checkpoint: dict, prefix: str, source: str) -> dict[str, tuple] | None:
    try:
        found: dict[str, Tensor] = tensors_under(checkpoint, prefix, source)
    except InputError:
        return None
    return {key: tuple(value.shape) for key, value in found.items()}


def pixels(cfg: dict | None) -> dict | None:
    """Normalisation of the training images: order of the channels, mean and standard deviation for pixels in 0..255 and in [0,1]."""
    model = (cfg or {}).get('model')
    found = (isinstance(model, dict) and model.get('data_preprocessor')) or (cfg or {}).get('data_preprocessor')
    if isinstance(found, dict):  # joint training: the preprocessor of the first part, the real images
        found = next(iter(parts_of(found).values()), found)
    if not isinstance(found, dict) or found.get('mean') is None or found.get('std') is None:
        return None
    try:
        mean, std = ([float(value) for value in found[key]] for key in ('mean', 'std'))
    except (TypeError, ValueError):
        return None
    return dict(
        channels='RGB' if found.get('to_rgb') or found.get('bgr_to_rgb') else 'BGR',  # mmcv loads BGR
        mean=mean,
        std=std,
        mean_of_0_to_1=[round(value / 255, 6) for value in mean],
        std_of_0_to_1=[round(value / 255, 6) for value in std],
    )


def datasets(cfg: dict | None) -> Any:
    """Datasets of the training in its config: only plain values, without pipelines and models."""
    loader = (cfg or {}).get('train_dataloader')
    return _plain_values(loader.get('dataset')) if isinstance(loader, dict) else None


def _plain_values(node: Any, whole: bool = False) -> Any:
    if isinstance(node, list | tuple):
        return [_plain_values(value) for value in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain_values(value, whole=key == 'parts')
        for key, value in node.items()
        if not str(key).startswith('_') and (whole or key in NESTED or not isinstance(value, dict | list | tuple))
    }
