"""Code shared by tools/train.py and tools/test.py: read the config and the command line, build and check the Runner."""

import atexit
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner, find_latest_checkpoint
from torch import nn

from mmbdg.arguments import ConfigOptions, natural_int
from mmbdg.assets.class_lists import class_names
from mmbdg.backbones import backbone_tensors
from mmbdg.compat.checkpoint import difference, read_anywhere, tensors_under
from mmbdg.compat.config import check_keys, read_config
from mmbdg.compat.config_options import runner_keys
from mmbdg.compat.init_configs import current_init
from mmbdg.data_configs import building
from mmbdg.engine.config_changes import BACKBONE_INIT, CHANGES, Change
from mmbdg.engine.config_values import check_values
from mmbdg.engine.plain_runner import PlainRunner
from mmbdg.engine.tensorboard import check_tensorboard
from mmbdg.errors import InputError
from mmbdg.storage.label_spaces import label_space


def add_common_arguments(parser: ArgumentParser) -> None:
    """Add the command-line options that all OpenMMLab tools have."""
    parser.add_argument('--work-dir', help='folder for logs and checkpoints; default: work_dirs/<name of the config>')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override config values: key.subkey=value ...')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='launcher that started the processes'
    )
    parser.add_argument('--local_rank', '--local-rank', type=natural_int, default=0, help='set by some launchers')


def load_config(args: Namespace, changes: Sequence[Change] = CHANGES) -> Config:
    """Read the config with the options of the command line, check it, and change it.

    Args:
        args: Command line, see :func:`add_common_arguments`.
        changes: Changes to apply, in their order. Default: those that every tool needs.
    """
    os.environ.setdefault('LOCAL_RANK', os.environ.get('OMPI_COMM_WORLD_LOCAL_RANK', str(args.local_rank)))
    cfg = read_fitted(args.config, args.cfg_options, runner_keys())
    check_keys(cfg)
    check_values(cfg)
    for change in changes:
        change.apply(cfg, args)
    return cfg


def read_fitted(path: str, options: Mapping[str, Any] | None = None, used: Collection[str] | None = None) -> Config:
    """Same as :func:`~mmbdg.compat.config.read_config`, but ``num_labels`` and ``ignore`` are set from the label space."""
    cfg = read_config(path, options, used)
    follows = options_of_labels(cfg, options)
    return read_config(path, {**(options or {}), **follows}, used) if follows else cfg


def options_of_labels(cfg: Config, options: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Values for the config variables ``num_labels`` and ``ignore`` that differ from those of the label space.

    Args:
        cfg: Config with ``options`` already applied.
        options: Options of the command line.

    Returns:
        Options that set the variables to the label space's values; empty if nothing has to change.

    Raises:
        InputError: The command line sets a different value, or the label space does not exist.
    """
    if 'label_space' not in cfg or 'label_classes' not in cfg:
        return {}
    space, follows = label_space(cfg.label_space, class_names(cfg.label_classes)), {}
    for variable, value in dict(num_labels=space.num_classes, ignore=space.ignore).items():
        if variable not in cfg or cfg[variable] == value:
            continue
        if variable in (options or {}):
            raise InputError(f'label space "{space.name}" has {variable}={value}, the command line sets {cfg[variable]}: omit the option')
        follows[f'+{variable}'] = value  # '+': no error if the variable is not used
    return follows


def exit_process_group() -> None:
    """Wait for all ranks, destroy the process group and exit with code 0; must be the last call of a tool. Does nothing without a group.

    The process exits like a :mod:`multiprocessing` child: ``atexit`` functions run, but objects are not finalised. A gloo thread may still
    hold the last gathered tensors and needs the interpreter to free them: during interpreter shutdown this aborts the process ("terminate
    called without an active exception"), and during destruction of the group it is a deadlock.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return
    torch.distributed.barrier()
    group = torch.distributed.group.WORLD  # noqa: F841  this reference keeps the next line from destructing the group object
    torch.distributed.destroy_process_group()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def build_runner(cfg: Config) -> Runner:
    """Build the Runner; on a CPU with several processes, SyncBN layers are replaced by BN.

    Raises:
        InputError: A part of the config cannot be built; the message names its key.
    """
    check_tensorboard(cfg)
    runner_class = PlainRunner
    if not torch.cuda.is_available() and cfg.launcher != 'none':
        runner_class = type('CPURunner', (_RevertSyncBN, PlainRunner), {})
    with building(f'the config {cfg.filename}'):
        return runner_class.from_cfg(cfg)


class _RevertSyncBN:
    """Replaces SyncBN by BN: SyncBN raises on CPUs, and mmengine replaces it only when there is a single process."""

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        print_log('no GPU: the processes use gloo, and SyncBN layers are replaced by BN', 'current')
        return super().wrap_model(model_wrapper_cfg, revert_sync_batchnorm(model))


def check_pretrained(model: nn.Module) -> None:
    """Check that each pretrained checkpoint fills its whole module; mmengine's ``Pretrained`` loads with ``strict=False`` and only logs.

    Extra keys in the file (e.g. a classification head) are allowed.

    Raises:
        InputError: For a module with ``init_cfg=dict(type='Pretrained')``, keys are missing in the file or have another shape; for a
            module with ``mmbdg.PretrainedBackbone``, see there.
    """
    for name, module in model.named_modules():
        listed = getattr(module, 'init_cfg', None)
        cfgs = [current_init(cfg) for cfg in (listed if isinstance(listed, list) else [listed]) if isinstance(cfg, dict)]
        for cfg in cfgs:
            if cfg.get('type') == BACKBONE_INIT:
                backbone_tensors(module, cfg['checkpoint'], cfg.get('fresh', ()))
        cfg = next((cfg for cfg in cfgs if cfg.get('type') == 'Pretrained'), None)
        if cfg is None:
            continue
        prefix = cfg.get('prefix') or ''
        prefix += '.' if prefix and not prefix.endswith('.') else ''
        source = str(cfg['checkpoint'])
        found, own = tensors_under(read_anywhere(source), prefix, source), module.state_dict()
        counters = {key: value for key, value in own.items() if key.endswith('num_batches_tracked')}
        if problem := difference(module, {key: value for key, value in (counters | found).items() if key in own}):
            raise InputError(
                f'{source} (prefix "{prefix}") does not fill {name} ({type(module).__name__}); '
                f'is it a checkpoint of another architecture?\n{problem}'
            )


def check_start(cfg: Config, model: nn.Module) -> None:
    """Check that the checkpoint of ``load_from`` or ``resume`` has the model's architecture; mmengine loads matching keys and only logs.

    For ``resume`` all keys must match. For ``load_from`` whole parts of the model may be missing (e.g. the segmentation head, which a
    DenseCL checkpoint lacks), but no part may be incomplete.

    Raises:
        InputError: The checkpoint does not match the model.
    """
    source = cfg.get('load_from') or (find_latest_checkpoint(cfg.work_dir) if cfg.get('resume') else None)
    if source is None:
        return
    model = getattr(model, 'module', model)
    found, own = tensors_under(read_anywhere(source), '', source), model.state_dict()
    new_parts = set()
    if not cfg.get('resume'):
        new_parts = {key.split('.')[0] for key in own} - {key.split('.')[0] for key in found}
        counters = {key: value for key, value in own.items() if key.endswith('num_batches_tracked')}
        missing = {key: value for key, value in own.items() if key.split('.')[0] in new_parts}
        found = missing | counters | {key: value for key, value in found.items() if key in own}
    if (problem := difference(model, found)) or new_parts == {key.split('.')[0] for key in own}:
        raise InputError(
            f'{source} does not fit {type(model).__name__}; is it a checkpoint of another architecture? To load single parts, use '
            f"init_cfg=dict(type='Pretrained', checkpoint=..., prefix=...).\n{problem or '  the model has none of its keys'}"
        )
    if new_parts:
        print_log(f'not in {source}, so trained from scratch: {", ".join(sorted(new_parts))}', 'current')
