"""Train the model of a config: a GAN, a feature interpreter, a classifier, joint pre-training or a transfer.

python tools/train.py configs/densecl_biggan_fpn.py
python tools/train.py CONFIG --work-dir DIR --resume --amp --cfg-options train_cfg.max_iters=100
torchrun --nproc_per_node=8 tools/train.py CONFIG --launcher pytorch
"""

import argparse
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser
from mmbdg.compat.config import check_requirements, with_config_dir
from mmbdg.data_configs import building
from mmbdg.engine.checks import check_annotations, check_data, check_metrics, check_queue
from mmbdg.engine.config_changes import TRAINING_CHANGES
from mmbdg.engine.launch import (
    add_common_arguments,
    build_runner,
    check_pretrained,
    check_start,
    exit_process_group,
    load_config,
)
from mmbdg.engine.work_dir import held_work_dir, prepare_work_dir
from mmbdg.errors import plain_errors


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume', nargs='?', const='auto', help='continue from this checkpoint; without a value, from the last one in the work dir'
    )
    parser.add_argument(
        '--amp',
        nargs='?',
        const='bf16',
        choices=['bf16', 'fp16'],
        help='mixed precision: bfloat16 on any device (default), or float16 on a GPU',
    )
    parser.add_argument(
        '--channels-last',
        action='store_true',
        help='another memory format of convolutions: faster on many processors, equal up to rounding',
    )
    parser.add_argument('--tensorboard', action='store_true', help='also write event files for TensorBoard (docs/seeing.md)')
    add_common_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args, TRAINING_CHANGES)
    check_requirements(cfg)
    check_queue(cfg)
    check_metrics(cfg)
    prepare_work_dir(cfg)
    with held_work_dir(cfg, patient=args.resume is not None):
        runner = build_runner(cfg)
        check_pretrained(runner.model)
        check_start(cfg, runner.model)
        check_annotations(cfg, 'train_dataloader', 'val_dataloader')
        check_data(runner)
        runner.train()
    if runner.rank == 0 and cfg.get('next_step'):
        last = runner.message_hub.runtime_info.get('last_ckpt', 'CHECKPOINT')
        with building('next_step'):
            step = with_config_dir(cfg, cfg.next_step).format(work_dir=Path(runner.work_dir), checkpoint=last, config=args.config)
            runner.logger.info(f'next: {step}')
    exit_process_group()


if __name__ == '__main__':
    with plain_errors('The same command with --resume continues'):
        main()
