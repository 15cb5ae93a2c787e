"""From a config file and a command line to a Runner: what tools/train.py and tools/test.py share."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

import torch
from mmengine.config import Config, DictAction
from mmengine.logging import print_log
from mmengine.model import revert_sync_batchnorm
from mmengine.runner import CheckpointLoader, Runner
from torch import nn

from mmbdg.assets import SCHEME
from mmbdg.compat.checkpoint import difference, read_checkpoint, tensors_under
from mmbdg.compat.config import check_requirements, read_config
from mmbdg.errors import InputError


def add_common_arguments(parser: ArgumentParser) -> None:
    """The options of every OpenMMLab tool."""
    parser.add_argument('--work-dir', help='where logs and checkpoints go; default: work_dirs/<name of the config>')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='override parts of the config: key.of.it=value ...')
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='how several processes were started'
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help='set by some launchers')


def load_config(args: Namespace, training: bool = True) -> Config:
    """The config with the command line merged into it, its variables applied and, for training, its requirements checked."""
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg = read_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(args.config).stem)
    if training:
        check_requirements(cfg)
    use_cpu_where_there_is_no_gpu(cfg)
    return cfg


def use_cpu_where_there_is_no_gpu(cfg: Config) -> None:
    """Several processes without a GPU: open the gloo group, which mmengine's own start-up cannot (it sets a CUDA device first)."""
    if torch.cuda.is_available() or cfg.launcher == 'none':
        return
    if cfg.launcher != 'pytorch':
        raise InputError(f'without a GPU only --launcher pytorch works (torchrun), not {cfg.launcher}')
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group('gloo')
    wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
    cfg.setdefault('model_wrapper_cfg', wrapper | dict(find_unused_parameters=cfg.get('find_unused_parameters', False)))


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
        prefix += '.' if prefix and not prefix.endswith('.') else ''
        source = str(cfg['checkpoint'])
        remote = '://' in source and not source.startswith(SCHEME)  # https://, open-mmlab://, torchvision://
        checkpoint = CheckpointLoader.load_checkpoint(source, 'cpu', logger=None) if remote else read_checkpoint(source)
        found, own = tensors_under(checkpoint, prefix, source), module.state_dict()
        counters = {key: value for key, value in own.items() if key.endswith('num_batches_tracked')}
        if problem := difference(module, {key: value for key, value in (counters | found).items() if key in own}):
            raise InputError(
                f'{source} (prefix "{prefix}") does not fill {name} ({type(module).__name__}); '
                f'is it a checkpoint of another architecture?\n{problem}'
            )
