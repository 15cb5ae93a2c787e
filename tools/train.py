"""Train whatever a config describes: a GAN, a feature interpreter, a classifier, joint pre-training, a transfer.

python tools/train.py configs/densecl_biggan_fpn.py
python tools/train.py CONFIG --work-dir DIR --resume --amp --cfg-options train_cfg.max_iters=100
torchrun --nproc_per_node=8 tools/train.py CONFIG --launcher pytorch
"""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import find_latest_checkpoint

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.compat.config import check_requirements
from mmbdg.engine import TotalBatchHook
from mmbdg.engine.checks import check_data
from mmbdg.engine.launch import add_common_arguments, build_runner, check_pretrained, check_start, load_config
from mmbdg.engine.tensorboard import add_tensorboard
from mmbdg.errors import plain_errors


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
    runner.register_hook(TotalBatchHook())
    runner.train()
    if runner.rank == 0 and cfg.get('next_step'):
        last = runner.message_hub.runtime_info.get('last_ckpt', 'CHECKPOINT')
        runner.logger.info('next: ' + cfg.next_step.format(work_dir=Path(runner.work_dir), checkpoint=last, config=args.config))


if __name__ == '__main__':
    with plain_errors():
        main()
