"""Synthesise a labelled dataset, with truncation, rejection sampling by a classifier, and filtering by the ensemble's uncertainty.

    python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT_DIR
    python tools/synthesize.py CONFIG OUT_DIR --num-per-class 500 --classes 0-4,7 --seed 1 --device cuda
    python tools/synthesize.py CONFIG OUT_DIR --dry-run
    torchrun --nproc_per_node=8 tools/synthesize.py CONFIG OUT_DIR --device cuda
    srun --ntasks=32 --gpus-per-task=1 python tools/synthesize.py CONFIG OUT_DIR --device cuda
    python tools/synthesize.py CONFIG OUT_DIR --format shards --image jpeg --resolution 256
    python tools/synthesize.py CONFIG OUT_DIR --verify
    python tools/synthesize.py CONFIG OUT_DIR --plan PLAN.json      # classes and numbers by tools/plan_round.py

To continue an interrupted run, start the same command again; the resulting bytes are the same for any number of processes. More samples
and further classes are added to an existing dataset. Files that are missing, have another size or were modified later are made again;
--verify reads all files and compares their checksums.
"""

import os
from pathlib import Path

import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, natural_int, positive_int
from mmbdg.compat.config import check_keys, check_requirements, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.own_images.judgement import THRESHOLDS, usable_masks
from mmbdg.storage.manifest import Manifest
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.plan import FORMATS, IMAGES
from mmbdg.synthesis.round_plan import read_round

MOST_JUDGED = 10_000


def parse_classes(text: str) -> list[int]:
    """Parse class indices and ranges: '0-4,7' -> [0, 1, 2, 3, 4, 7]."""
    classes: list[int] = []
    for part in text.split(','):
        first, _, last = part.partition('-')
        try:
            classes += range(int(first), int(last or first) + 1)
        except ValueError:
            raise InputError(f'--classes must be numbers and ranges such as 0-4,7; got "{part}"') from None
    return sorted(set(classes))


def own_device(device: str) -> str:
    """GPU of this process by its local rank, if several GPUs are visible and ``--device`` does not select one."""
    local_rank = os.environ.get('LOCAL_RANK', os.environ.get('SLURM_LOCALID', ''))
    if device != 'cuda' or not local_rank or torch.cuda.device_count() < 2:
        return device
    return f'cuda:{int(local_rank) % torch.cuda.device_count()}'


def judge(root: Path) -> None:
    """Print whether the masks of a finished dataset look usable; nothing if it has none. At most 10,000 samples are looked at."""
    if not (root / 'dataset.json').is_file():  # another process finishes the dataset
        return
    lines = Manifest(root / 'manifest.jsonl')
    chosen = (lines[i] for i in range(0, len(lines), max(1, len(lines) // MOST_JUDGED)))
    ratios = [line['foreground_ratio'] for line in chosen if line.get('foreground_ratio') is not None]
    if ratios:
        print(THRESHOLDS['synthesis'].text(usable_masks(ratios)))


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config with synthesis=dict(...)')
    parser.add_argument('out_dir', help='folder of the dataset')
    parser.add_argument('--num-per-class', type=positive_int, help='number of kept samples per class; default: that of the config')
    parser.add_argument('--classes', help='class indices, e.g. 0-4,7; default: those of the config')
    parser.add_argument('--seed', type=natural_int, help='seed of the latents; default: that of the config')
    parser.add_argument('--plan', metavar='PLAN.json', help='plan of tools/plan_round.py: classes, numbers, first indices and seed')
    parser.add_argument('--format', choices=FORMATS, help='one file per image and mask, or one tar file per block; default: the config')
    parser.add_argument('--image', choices=IMAGES, help='file format of the images; masks are always PNG; default: that of the config')
    parser.add_argument('--resolution', type=positive_int, help='height and width of images and masks in pixels; default: the config')
    parser.add_argument('--device', default='cpu', help='device of all networks, e.g. cuda; default: cpu')
    parser.add_argument(
        '--writers', type=natural_int, help='number of threads that encode and write files; default: 4 on a GPU, 0 on a CPU'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='write nothing; print the estimated numbers of candidates, hours and gigabytes'
    )
    parser.add_argument(
        '--verify', action='store_true', help='also compare existing files with their checksums and make damaged files again'
    )
    parser.add_argument(
        '--no-sync',
        action='store_true',
        help='do not wait until files are on the disk; a power loss can then leave damaged files, which --verify finds',
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...); give a config such as configs/synthesis/biggan32_fashion.py')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    plan = Synthesis.from_config(cfg.synthesis)
    given = dict(classes=args.classes and parse_classes(args.classes))
    given |= {name: getattr(args, name) for name in ('num_per_class', 'seed', 'format', 'image', 'resolution')}
    given = {key: value for key, value in given.items() if value is not None}
    if args.plan is not None:
        if both := sorted(given.keys() & {'classes', 'num_per_class', 'seed'}):
            raise InputError(f'--{both[0].replace("_", "-")} is given by --plan {args.plan}: leave it out')
        given |= read_round(args.plan)
    plan = plan.changed(**given)
    writers = args.writers if args.writers is not None else 4 * args.device.startswith('cuda')
    job, device = Job.from_environment(), own_device(args.device)
    how = dict(dry_run=args.dry_run, verify=args.verify, sync=not args.no_sync)
    synthesize(plan, args.out_dir, device, job=job, writers=writers, **how)
    if not job.rank and not args.dry_run:
        judge(Path(args.out_dir))


if __name__ == '__main__':
    with plain_errors('The same command continues'):
        main()
