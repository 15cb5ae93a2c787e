"""Train whatever a config describes: a GAN, a feature interpreter, a classifier, joint pre-training, a transfer.

python tools/train.py configs/densecl_biggan_fpn.py
python tools/train.py CONFIG --work-dir DIR --resume --amp --cfg-options train_cfg.max_iters=100
torchrun --nproc_per_node=8 tools/train.py CONFIG --launcher pytorch
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dataset import InfiniteSampler
from mmengine.logging import print_log
from mmengine.runner import Runner, find_latest_checkpoint
from mmpretrain.utils import get_ori_model

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.compat.config import check_requirements
from mmbdg.datasets.online import ONLINE_SAMPLER, is_online
from mmbdg.engine import EnsembleSampler, OnlineBatchHook, OnlineSampler
from mmbdg.engine.launch import add_common_arguments, build_runner, check_pretrained, check_start, load_config
from mmbdg.engine.tensorboard import add_tensorboard
from mmbdg.errors import InputError, plain_errors
from mmbdg.models import InterpreterTraining, OnlineDataPreprocessor


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume', nargs='?', const='auto', help='continue from this checkpoint; without a value from the last in the work dir'
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision; on a CPU float32 with a warning')
    parser.add_argument('--tensorboard', action='store_true', help='write event files for TensorBoard too (docs/seeing.md)')
    add_common_arguments(parser)
    return parser.parse_args()


def apply_resume(cfg: Config, resume: str | None) -> None:
    """``load_from`` must go when the last checkpoint of the work dir is meant: mmengine would resume from it.

    Without a checkpoint to resume from, the training starts as it would without ``--resume``: the usual command of a re-queued job.
    """
    if resume and resume != 'auto':
        cfg.resume, cfg.load_from = True, resume
    elif resume and find_latest_checkpoint(cfg.work_dir):
        cfg.resume, cfg.load_from = True, None
    if cfg.get('resume') and 'load_from' in cfg.get('requires', {}):
        del cfg.requires['load_from']  # what the training once started from


def apply_amp(cfg: Config) -> None:
    """Mixed precision where there is a GPU; mmengine's AmpOptimWrapper refuses anything else."""
    if not torch.cuda.is_available():
        print_log('--amp needs a GPU and there is none: training goes on in float32', level=30)
        return
    wrapper = cfg.optim_wrapper
    for optim_wrapper in [wrapper] if 'optimizer' in wrapper else [w for w in wrapper.values() if isinstance(w, dict)]:
        optim_wrapper.type = 'AmpOptimWrapper'
        optim_wrapper.setdefault('loss_scale', 'dynamic')
        if 'amp_dtype' in cfg:
            optim_wrapper.setdefault('dtype', cfg.amp_dtype)


def check_data(runner: Runner) -> None:
    """``drop_last`` with fewer samples than a batch would train nothing without a word; a queue takes whole batches only."""
    loader = runner.train_loop.dataloader
    queue, keys = getattr(get_ori_model(runner.model), 'queue_len', None), loader.batch_size * runner.world_size
    if queue and queue % keys:
        raise InputError(
            f'the queue of {queue} keys is filled by {keys} at a time ({loader.batch_size} x {runner.world_size} processes), which does '
            'not divide it: change train_dataloader.batch_size or model.queue_len'
        )
    sampler, model = loader.sampler, get_ori_model(runner.model)
    if isinstance(model, InterpreterTraining):
        space, outputs = getattr(loader.dataset, 'space', None), model.interpreter.num_outputs
        if space and (outputs not in (1, space.num_classes) or model.ignore != space.ignore):
            raise InputError(
                f'the head has {outputs} outputs and ignores label {model.ignore}, the label space "{space.name}" has {space.num_classes} '
                f"labels and ignores {space.ignore}: give an FG/BG head (num_outputs=1) label_space='fgbg', another one as many outputs"
            )
    if isinstance(sampler, EnsembleSampler):
        members = model.interpreter.num_members
        if members != sampler.num_members or loader.batch_size != members * sampler.per_member:
            raise InputError(
                f'the model has {members} members, the sampler makes batches of {sampler.num_members} x {sampler.per_member} samples, the '
                f'data loader of {loader.batch_size}: set model.interpreter.num_members, train_dataloader.sampler.num_members, '
                'train_dataloader.sampler.per_member and train_dataloader.batch_size (the product) to fit'
            )
    if is_online(loader.dataset):
        preprocessor = getattr(model.data_preprocessor, 'seg', model.data_preprocessor)
        if not isinstance(sampler, OnlineSampler) or not isinstance(preprocessor, OnlineDataPreprocessor):
            raise InputError(
                f'online samples need {ONLINE_SAMPLER}, which never repeats one, and a data preprocessor of the type '
                f'mmbdg.OnlineDataPreprocessor, which makes them; here are {type(sampler).__name__} and {type(preprocessor).__name__}'
            )
    endless = isinstance(sampler, InfiniteSampler | OnlineSampler)
    if len(loader) == 0 and not endless:
        raise InputError(
            f'the training set holds {len(loader.dataset)} samples, fewer than one batch of {loader.batch_size}: '
            'lower train_dataloader.batch_size or add data'
        )


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    apply_resume(cfg, args.resume)
    check_requirements(cfg)
    if args.amp:
        apply_amp(cfg)
    if args.tensorboard:
        add_tensorboard(cfg)
    runner = build_runner(cfg)
    check_pretrained(runner.model)
    check_start(cfg, runner.model)
    check_data(runner)
    if is_online(runner.train_loop.dataloader.dataset):
        runner.register_hook(OnlineBatchHook())
    runner.train()
    if runner.rank == 0 and cfg.get('next_step'):
        last = runner.message_hub.runtime_info.get('last_ckpt', 'CHECKPOINT')
        runner.logger.info('next: ' + cfg.next_step.format(work_dir=Path(runner.work_dir), checkpoint=last, config=args.config))


if __name__ == '__main__':
    with plain_errors():
        main()
