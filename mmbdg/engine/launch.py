"""From a config file and a command line to a Runner: what tools/train.py and tools/test.py share."""

import atexit
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Mapping
from pathlib import Path
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
from mmbdg.engine.config_values import check_values
from mmbdg.engine.plain_runner import PlainRunner
from mmbdg.engine.tensorboard import check_tensorboard
from mmbdg.errors import InputError
from mmbdg.storage.label_spaces import label_space

BACKBONE_INIT = 'mmbdg.PretrainedBackbone'


def add_common_arguments(parser: ArgumentParser) -> None:
    """The options of every OpenMMLab tool."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/<name of the config>')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: key.of.it=value ...')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='how several processes were started'
    )
    parser.add_argument('--local_rank', '--local-rank', type=natural_int, default=0, help='set by some launchers')


def load_config(args: Namespace) -> Config:
    """The config with the command line in it, checked, and with what follows from the label space and the machine."""
    os.environ.setdefault('LOCAL_RANK', os.environ.get('OMPI_COMM_WORLD_LOCAL_RANK', str(args.local_rank)))
    cfg = read_fitted(args.config, args.cfg_options, runner_keys())
    check_keys(cfg)
    check_values(cfg)
    cfg.launcher = args.launcher
    cfg.work_dir = str(args.work_dir or cfg.get('work_dir') or Path('work_dirs') / Path(args.config).stem)
    leave_at_random(cfg._cfg_dict)
    use_cpu_where_there_is_no_gpu(cfg)
    fit_data_loaders(cfg)
    return cfg


def read_fitted(path: str, options: Mapping[str, Any] | None = None, used: Collection[str] | None = None) -> Config:
    """As :func:`~mmbdg.compat.config.read_config`, with ``num_labels`` and ``ignore`` as the label space decides them."""
    cfg = read_config(path, options, used)
    follows = options_of_labels(cfg, options)
    return read_config(path, {**(options or {}), **follows}, used) if follows else cfg


def options_of_labels(cfg: Config, options: Mapping[str, Any] | None = None) -> dict[str, int]:
    """Options for the variables ``num_labels`` and ``ignore`` of a config, where ``label_space`` over ``label_classes`` decides otherwise.

    Args:
        cfg: With ``options``.
        options: Of the command line.

    Raises:
        InputError: The command line sets one of them otherwise, or the label space does not exist.
    """
    if 'label_space' not in cfg or 'label_classes' not in cfg:
        return {}
    space, follows = label_space(cfg.label_space, class_names(cfg.label_classes)), {}
    for variable, value in dict(num_labels=space.num_classes, ignore=space.ignore).items():
        if variable not in cfg or cfg[variable] == value:
            continue
        if variable in (options or {}):
            raise InputError(f'label space "{space.name}" has {variable}={value}, the command line says {cfg[variable]}: leave it out')
        follows[f'+{variable}'] = value  # whether it arrives or not
    return follows


def leave_at_random(node: Any) -> None:
    """``pretrained=None``: without a checkpoint for its ``mmbdg.PretrainedBackbone`` a module has the initialisation of its class."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list | tuple) else ():
        leave_at_random(child)
        init_cfg = child.get('init_cfg') if isinstance(child, dict) else None
        if isinstance(init_cfg, dict) and init_cfg.get('type') == BACKBONE_INIT and init_cfg.get('checkpoint') is None:
            child['init_cfg'] = None


def fit_data_loaders(cfg: Config) -> None:
    """What torch refuses or does badly: workers that persist where there are none, and pages that are not pinned where there is a GPU.

    Pinned pages are copied while the GPU computes, if the data preprocessor does not wait for them (``non_blocking``); a config that sets
    ``pin_memory`` itself keeps it.
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
    """Several processes without a GPU: open the gloo group, which mmengine's own start-up cannot (it sets a CUDA device first)."""
    if torch.cuda.is_available() or cfg.launcher == 'none':
        return
    if cfg.launcher != 'pytorch':
        raise InputError(f'without a GPU only --launcher pytorch works (torchrun), not {cfg.launcher}')
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    if cfg.get('model_wrapper_cfg') is None:
        cfg.model_wrapper_cfg = wrapper | dict(find_unused_parameters=cfg.get('find_unused_parameters', False))


def part_in_peace() -> None:
    """The last call of a tool: one of several processes waits for the others, takes leave and ends here, with exit code 0.

    It ends as a child of :mod:`multiprocessing` does: what is registered with ``atexit`` runs, but objects are not taken apart. A thread of
    gloo may still hold the last gathered tensors, and to free them it needs Python: while the interpreter is taken apart that aborts the
    process ("terminate called without an active exception"), and while the group is taken apart both wait for each other for ever.
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return
    torch.distributed.barrier()
    group = torch.distributed.group.WORLD  # noqa: F841  without a reference the next line would take the group apart
    torch.distributed.destroy_process_group()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def build_runner(cfg: Config) -> Runner:
    """A Runner whose model does not need what a CPU does not have.

    Raises:
        InputError: A part of the config cannot be built; the message names its key.
    """
    check_tensorboard(cfg)
    runner_class = PlainRunner
    if not torch.cuda.is_available() and cfg.launcher != 'none':
        runner_class = type('CPURunner', (_RevertSyncBN, PlainRunner), {})
    with building(f'what {cfg.filename} describes'):
        return runner_class.from_cfg(cfg)


class _RevertSyncBN:
    """SyncBN raises on CPUs; mmengine reverts it for a single process only."""

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        print_log('no GPU: gloo between the processes, and SyncBN layers are replaced by BN', 'current')
        return super().wrap_model(model_wrapper_cfg, revert_sync_batchnorm(model))


def check_pretrained(model: nn.Module) -> None:
    """Refuse a checkpoint that leaves a part of a module at random; mmengine's ``Pretrained`` loads ``strict=False`` with a log line.

    What the file holds beside the module (a classifier's head, say) is no error.

    Raises:
        InputError: A module with ``init_cfg=dict(type='Pretrained')`` finds keys missing or of another shape in its file, or one with
            ``mmbdg.PretrainedBackbone`` see there.
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
    """Refuse a checkpoint of another architecture in ``load_from`` or ``resume``; mmengine loads what fits and logs the rest.

    ``resume`` must fit exactly. ``load_from`` may lack whole parts of the model (the segmentation head a DenseCL checkpoint does not
    have), but no part may be filled by half.

    Raises:
        InputError: It does not fit.
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
            f'{source} does not fit {type(model).__name__}; is it a checkpoint of another architecture? Single parts are loaded by '
            f"init_cfg=dict(type='Pretrained', checkpoint=..., prefix=...).\n{problem or '  nothing in it is known to the model'}"
        )
    if new_parts:
        print_log(f'not in {source}, so trained from the start: {", ".join(sorted(new_parts))}', 'current')
