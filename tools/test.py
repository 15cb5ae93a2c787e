"""Evaluate a checkpoint on the test set of a config.

python tools/test.py configs/densecl_biggan_fpn.py work_dirs/densecl_biggan_fpn/iter_240.pth
torchrun --nproc_per_node=8 tools/test.py CONFIG CHECKPOINT --launcher pytorch
"""

import os
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser
from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_checkpoint, tensors_under
from mmbdg.engine.checks import check_annotations, check_metrics
from mmbdg.engine.config_changes import TEST_CHANGES
from mmbdg.engine.hooks.measured_set_hook import MeasuredSetHook
from mmbdg.engine.launch import add_common_arguments, build_runner, exit_process_group, load_config
from mmbdg.engine.work_dir import prepare_work_dir
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, sha256, write_json
from mmbdg.version import __version__


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint of a training with this config')
    parser.add_argument('--out', help='JSON file for the metrics; default: test.json in the work dir')
    add_common_arguments(parser)
    args = parser.parse_args()
    cfg = load_config(args, TEST_CHANGES)
    if args.out and os.environ.get('RANK', '0') == '0':
        check_place(args.out)
    if not cfg.get('test_dataloader'):
        raise InputError(f'{args.config} has no test_dataloader; a checkpoint cannot be evaluated without one')
    check_metrics(cfg)
    prepare_work_dir(cfg)
    runner = build_runner(cfg)
    model = getattr(runner.model, 'module', runner.model)
    checkpoint = read_checkpoint(args.checkpoint)
    load_strict(model, tensors_under(checkpoint, '', args.checkpoint), args.checkpoint)
    seed = seed_of(checkpoint)
    del checkpoint
    check_annotations(cfg, 'test_dataloader')
    test_set = MeasuredSetHook()
    runner.register_hook(test_set)
    metrics = runner.test()
    if runner.rank == 0:
        out = Path(args.out or Path(runner.work_dir) / 'test.json')
        made_by = dict(
            config=args.config,
            checkpoint=args.checkpoint,
            checkpoint_sha256=sha256(checkpoint_file(args.checkpoint)),
            seed=seed,
            version=__version__,
        )
        write_json(out, dict(**made_by, test_set=test_set.measured, metrics=metrics))
        runner.logger.info(f'metrics are in {out}')
    exit_process_group()


def seed_of(checkpoint: dict) -> int | None:
    """Seed of the training that wrote a checkpoint, as mmengine stores it; None if it is not stored."""
    meta = checkpoint.get('meta')
    seed = meta.get('seed') if isinstance(meta, dict) else None
    return seed if type(seed) is int else None


if __name__ == '__main__':
    with plain_errors():
        main()
