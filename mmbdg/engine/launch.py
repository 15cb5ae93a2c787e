"""From a config file and a command line to a Runner: what tools/train.py and tools/test.py share."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import Runner
from torch import nn

from mmbdg.compat.checkpoint import read_state_dict, refuse_pickle
from mmbdg.errors import InputError


def add_common_arguments(parser: ArgumentParser) -> None:
    """The options of every OpenMMLab tool."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/<name of the config>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config: key.of.it=value ...')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='how several processes were started')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')


def load_config(args: Namespace, training: bool = True) -> Config:
    """The config with the command line merged into it, its variables applied and, for training, its requirements checked."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    refuse_pickle()
    if not Path(args.config).is_file():
        raise InputError(f'there is no config at {args.config}')
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    apply_variables(cfg)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(args.config).stem)
    if training:
        check_requirements(cfg)
    use_cpu_where_there_is_no_gpu(cfg)
    return cfg


def apply_variables(cfg: Config) -> None:
    """Let top-level variables reach the places that ``reach`` lists for them.

    mmengine copies a variable into the model while it reads the file; what a child config or ``--cfg-options`` sets later does not
    arrive there. ``reach = dict(pretrained=['model.backbone.init_cfg.checkpoint'])`` makes it arrive.

    Raises:
        InputError: ``reach`` names an unknown variable or an unknown place.
    """
    for variable, places in cfg.get('reach', {}).items():
        if variable not in cfg:
            raise InputError(f'reach names the variable "{variable}", which the config does not set')
        for place in places:
            _assign(cfg, place.split('.'), cfg[variable], place)


def _assign(node: Any, keys: list[str], value: Any, place: str) -> None:
    for key in keys[:-1]:
        node = node[int(key)] if isinstance(node, list | tuple) else node.get(key)
        if node is None:  # a part that was switched off, e.g. init_cfg=None
            return
    if keys[-1] not in node:
        raise InputError(f'reach names "{place}", but the config has nothing there')
    node[keys[-1]] = value


def check_requirements(cfg: Config) -> None:
    """``requires = {path: how to get it}`` of a config: all that is missing is named at once, before anything is built.

    A key may be the name of a top-level variable that holds the path.

    Raises:
        InputError: A path does not exist.
    """
    requires = {cfg.get(path, path): how for path, how in cfg.get('requires', {}).items()}
    missing = [f'  {path}\n      {how}' for path, how in requires.items() if path is not None and not Path(path).expanduser().exists()]
    if missing:
        raise InputError(f'{cfg.filename} needs what is not there (relative to {Path.cwd()}):\n' + '\n'.join(missing))


def use_cpu_where_there_is_no_gpu(cfg: Config) -> None:
    """Several processes without a GPU: open the gloo group, which mmengine's own start-up cannot (it sets a CUDA device first)."""
    if torch.cuda.is_available() or cfg.launcher == 'none':
        return
    if cfg.launcher != 'pytorch':
        raise InputError(f'without a GPU only --launcher pytorch works (torchrun), not {cfg.launcher}')
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    cfg.model_wrapper_cfg = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False,
                                 find_unused_parameters=cfg.get('find_unused_parameters', False))


def build_runner(cfg: Config) -> Runner:
    """A Runner whose model does not need what a CPU does not have."""
    if torch.cuda.is_available() or cfg.launcher == 'none':
        return Runner.from_cfg(cfg)
    runner_class = type('CPURunner', (_RevertSyncBN, Runner), {})
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
        InputError: A module with ``init_cfg=dict(type='Pretrained')`` finds keys missing or of another shape in its file.
    """
    for name, module in model.named_modules():
        cfg = getattr(module, 'init_cfg', None)
        if not isinstance(cfg, dict) or cfg.get('type') != 'Pretrained':
            continue
        prefix = cfg.get('prefix') or ''
        state = read_state_dict(cfg['checkpoint'], prefix if not prefix or prefix.endswith('.') else f'{prefix}.')
        own = module.state_dict()
        problems = [f'{key}: missing' for key in own if key not in state and not key.endswith('num_batches_tracked')]
        problems += [f'{key}: {tuple(state[key].shape)} in the file, {tuple(own[key].shape)} in the model' for key in own
                     if key in state and state[key].shape != own[key].shape]
        if problems:
            shown = '\n  '.join(problems[:8]) + ('\n  ...' if len(problems) > 8 else '')
            raise InputError(f'{cfg["checkpoint"]} (prefix "{prefix}") does not fill {name} ({type(module).__name__}); '
                             f'is it a checkpoint of another architecture?\n  {shown}')
