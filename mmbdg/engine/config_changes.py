"""Changes that the tools make to a config before the Runner is built.

:data:`TRAINING_CHANGES` and :data:`TEST_CHANGES` list all of them in their order. The options of the command line and the label space are
applied earlier, while the config is read (:func:`mmbdg.engine.launch.read_fitted`).
"""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config

from mmbdg.engine.hooks.channels_last_hook import apply_channels_last
from mmbdg.engine.hooks.standing_hooks import add_standing_hooks
from mmbdg.engine.optimizers.autocast_optim_wrapper import apply_amp
from mmbdg.engine.resuming import apply_resume
from mmbdg.engine.tensorboard import add_tensorboard
from mmbdg.errors import InputError

BACKBONE_INIT = 'mmbdg.PretrainedBackbone'


def set_place(cfg: Config, args: Namespace) -> None:
    """Set the launcher, and the work dir; its default is ``work_dirs/<name of the config>``."""
    cfg.launcher = args.launcher
    cfg.work_dir = str(args.work_dir or cfg.get('work_dir') or Path('work_dirs') / Path(cfg.filename).stem)


def leave_at_random(node: Any) -> None:
    """Support ``pretrained=None``: remove an ``mmbdg.PretrainedBackbone`` without checkpoint, so the module uses its default init."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        leave_at_random(child)
        init_cfg = child.get('init_cfg') if isinstance(child, dict) else None
        if isinstance(init_cfg, dict) and init_cfg.get('type') == BACKBONE_INIT and init_cfg.get('checkpoint') is None:
            child['init_cfg'] = None


def fit_data_loaders(cfg: Config) -> None:
    """Adapt the data loaders to the machine.

    With 0 workers, ``persistent_workers`` and ``prefetch_factor`` are removed, because torch raises on them. With a GPU, ``pin_memory``
    defaults to True: pinned memory is copied while the GPU computes if the data preprocessor uses ``non_blocking``.
    """
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(name)
        if not isinstance(loader, dict):
            continue
        if not loader.get('num_workers'):
            loader.pop('persistent_workers', None)
            loader.pop('prefetch_factor', None)
        if torch.cuda.is_available():
            loader.setdefault('pin_memory', True)


def use_cpu_where_there_is_no_gpu(cfg: Config) -> None:
    """Initialise the gloo process group for several processes without a GPU; mmengine's start-up fails there as it sets a CUDA device."""
    if torch.cuda.is_available() or cfg.launcher == 'none':
        return
    if cfg.launcher != 'pytorch':
        raise InputError(f'without a GPU only --launcher pytorch works (torchrun), not {cfg.launcher}')
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    if cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = wrapper | dict(find_unused_parameters=cfg.get('find_unused_parameters', False))


def load_nothing(cfg: Config) -> None:
    """Keep the Runner from loading a checkpoint of the config over the one that is tested."""
    cfg.load_from, cfg.resume = None, False


class Change(NamedTuple):
    """One change of a config.

    Args:
        apply: Function that changes the config in place; it also gets the command line.
        keys: Top-level keys that it may change. Empty: keys of any name.
    """

    apply: Callable[[Config, Namespace], None]
    keys: tuple[str, ...] = ()


CHANGES = (
    Change(set_place, ('launcher', 'work_dir')),
    Change(lambda cfg, args: leave_at_random([cfg[key] for key in cfg])),  # init_cfg of modules with pretrained=None
    Change(lambda cfg, args: use_cpu_where_there_is_no_gpu(cfg), ('model_wrapper_cfg',)),
    Change(lambda cfg, args: fit_data_loaders(cfg), ('train_dataloader', 'val_dataloader', 'test_dataloader')),
)
"""Changes before a training and before a test, in their order."""

TRAINING_CHANGES = (
    *CHANGES,
    Change(lambda cfg, args: apply_resume(cfg, args.resume), ('resume', 'load_from', 'requires', 'randomness')),
    Change(lambda cfg, args: add_standing_hooks(cfg), ('default_hooks', 'custom_hooks')),
    Change(lambda cfg, args: apply_amp(cfg, args.amp), ('optim_wrapper',)),
    Change(lambda cfg, args: apply_channels_last(cfg, args.channels_last), ('custom_hooks',)),
    Change(lambda cfg, args: add_tensorboard(cfg, args.tensorboard), ('visualizer',)),
)
"""Changes before a training, in their order."""

TEST_CHANGES = (*CHANGES, Change(lambda cfg, args: load_nothing(cfg), ('load_from', 'resume')))
"""Changes before a test, in their order."""
