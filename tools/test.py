"""Evaluate a checkpoint on the test set of a config.

python tools/test.py configs/densecl_biggan_fpn.py work_dirs/densecl_biggan_fpn/iter_240.pth
torchrun --nproc_per_node=8 tools/test.py CONFIG CHECKPOINT --launcher pytorch

Besides the metrics, the JSON file holds what tools/figures.py draws: figures by class, the training set and the backbone of the checkpoint,
and with --save-predictions the name of a file with images and masks.
"""

import os
from pathlib import Path

from torch import nn

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser, natural_int
from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_checkpoint, tensors_under
from mmbdg.engine.checks import check_annotations, check_metrics, check_test_data
from mmbdg.engine.config_changes import TEST_CHANGES
from mmbdg.engine.hooks.class_scores_hook import ClassScoresHook
from mmbdg.engine.hooks.entropy_by_class_hook import EntropyByClassHook
from mmbdg.engine.hooks.measured_set_hook import MeasuredSetHook
from mmbdg.engine.hooks.saved_predictions_hook import SavedPredictionsHook
from mmbdg.engine.hooks.training_set_hook import KEY as TRAINING_SET
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
    parser.add_argument(
        '--save-predictions',
        nargs='*',
        type=natural_int,
        metavar='IMAGE',
        help='save masks of these test images, by number from 0, beside the JSON file; without numbers: of 16 images, evenly spread',
    )
    parser.add_argument(
        '--entropy', action='store_true', help='also write the entropy of the predictions by class; no true masks are read for it'
    )
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
    seed, training_set = seed_of(checkpoint), training_set_of(checkpoint)
    del checkpoint
    check_annotations(cfg, 'test_dataloader')
    check_test_data(runner)
    test_set, scores = MeasuredSetHook(), ClassScoresHook()
    predictions = None if args.save_predictions is None else SavedPredictionsHook(args.save_predictions)
    entropy = EntropyByClassHook() if args.entropy else None
    for hook in filter(None, (test_set, scores, predictions, entropy)):
        runner.register_hook(hook)
    metrics = runner.test()
    if runner.rank == 0:
        out = Path(args.out or Path(runner.work_dir) / 'test.json')
        made_by = dict(
            config=args.config,
            options=[f'{key}={value}' for key, value in (args.cfg_options or {}).items()],
            checkpoint=args.checkpoint,
            checkpoint_sha256=sha256(checkpoint_file(args.checkpoint)),
            seed=seed,
            version=__version__,
            training_set=training_set,
            backbone=backbone_of(model),
        )
        by_class = dict(per_label=scores.per_label, per_class=scores.per_class, entropy=entropy.found if entropy else None)
        saved = saved_predictions(predictions, out) if predictions else None
        write_json(out, dict(**made_by, test_set=test_set.measured, metrics=metrics, **by_class, predictions=saved))
        runner.logger.info(f'metrics are in {out}')
    exit_process_group()


def seed_of(checkpoint: dict) -> int | None:
    """Seed of the training that wrote a checkpoint, as mmengine stores it; None if it is not stored."""
    meta = checkpoint.get('meta')
    seed = meta.get('seed') if isinstance(meta, dict) else None
    return seed if type(seed) is int else None


def training_set_of(checkpoint: dict) -> list | None:
    """What the checkpoint was trained on, see ``mmbdg.TrainingSetHook``; None if it is not stored."""
    meta = checkpoint.get('meta')
    found = meta.get(TRAINING_SET) if isinstance(meta, dict) else None
    return found if isinstance(found, list) else None


def backbone_of(model: nn.Module) -> dict[str, str | int | None] | None:
    """Class and depth of the backbone of a model; None if it has none. Only ResNets and their relatives have a depth."""
    backbone = getattr(model, 'backbone', None)
    depth = getattr(backbone, 'depth', None)
    return None if backbone is None else dict(type=type(backbone).__name__, depth=depth if type(depth) is int else None)


def saved_predictions(hook: SavedPredictionsHook, out: Path) -> dict:
    """Write the predictions beside the result, and say which images they are of."""
    path = out.with_name(f'{out.stem}_predictions.npz')
    hook.save(path)
    images = [dict(image=index, name=name) for index, name in hook.classes.items()]
    return dict(file=path.name, sha256=sha256(path), images=images)


if __name__ == '__main__':
    with plain_errors():
        main()
