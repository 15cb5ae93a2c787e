"""Make a labelled dataset: truncation, rejection by a classifier, the ensemble's uncertainty.

    python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT_DIR
    python tools/synthesize.py CONFIG OUT_DIR --num-per-class 500 --classes 0-4,7 --seed 1 --device cuda
    python tools/synthesize.py CONFIG OUT_DIR --dry-run
    torchrun --nproc_per_node=8 tools/synthesize.py CONFIG OUT_DIR --device cuda
    srun --ntasks=32 --gpus-per-task=1 python tools/synthesize.py CONFIG OUT_DIR --device cuda
    python tools/synthesize.py CONFIG OUT_DIR --format shards --image jpeg --resolution 256
    python tools/synthesize.py CONFIG OUT_DIR --verify

An interrupted run continues when it is started again and ends with the same bytes, whatever the number of processes. More samples or
further classes are added to what is there. Files that are lost, have another size or were changed later are made again; --verify reads all
of them and compares their checksums.
"""

import os

import torch

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import ConfigOptions, Parser, natural_int, positive_int
from mmbdg.compat.config import check_keys, check_requirements, read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.plan import FORMATS, IMAGES


def parse_classes(text: str) -> list[int]:
    """'0-4,7' -> [0, 1, 2, 3, 4, 7]."""
    classes: list[int] = []
    for part in text.split(','):
        first, _, last = part.partition('-')
        try:
            classes += range(int(first), int(last or first) + 1)
        except ValueError:
            raise InputError(f'--classes takes numbers and ranges such as 0-4,7; got "{part}"') from None
    return sorted(set(classes))


def own_device(device: str) -> str:
    """This process's own of several GPUs, if no one in particular is asked for."""
    local_rank = os.environ.get('LOCAL_RANK', os.environ.get('SLURM_LOCALID', ''))
    if device != 'cuda' or not local_rank or torch.cuda.device_count() < 2:
        return device
    return f'cuda:{int(local_rank) % torch.cuda.device_count()}'


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='a config with synthesis=dict(...)')
    parser.add_argument('out_dir', help='folder of the dataset')
    parser.add_argument('--num-per-class', type=positive_int, help='samples kept of each class')
    parser.add_argument('--classes', help='class indices, e.g. 0-4,7; default: all')
    parser.add_argument('--seed', type=natural_int, help='seed of the latents')
    parser.add_argument('--format', choices=FORMATS, help='a file for each image and mask, or a tar file for each block')
    parser.add_argument('--image', choices=IMAGES, help='how images are written; masks are PNG always')
    parser.add_argument('--resolution', type=positive_int, help="height and width of what is written; default: the generator's")
    parser.add_argument('--device', default='cpu', help='where to compute, e.g. cuda')
    parser.add_argument(
        '--writers', type=natural_int, help='threads that encode and write beside the computation; default: 4 on a GPU, else none'
    )
    parser.add_argument('--dry-run', action='store_true', help='write nothing; say how many candidates, hours and gigabytes it takes')
    parser.add_argument('--verify', action='store_true', help='read the files that are there; those not of their checksum are made again')
    parser.add_argument(
        '--no-sync', action='store_true', help='do not wait for the disk itself; a power loss may leave damaged files, which --verify finds'
    )
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, help='override parts of the config: synthesis.key=value ...')
    args = parser.parse_args()
    cfg = read_config(args.config, args.cfg_options, ('synthesis',))
    if 'synthesis' not in cfg:
        raise InputError(f'{args.config} has no synthesis=dict(...)')
    check_keys(cfg, 'synthesis')
    check_requirements(cfg)
    plan = Synthesis.from_config(cfg.synthesis)
    given = dict(classes=args.classes and parse_classes(args.classes))
    given |= {name: getattr(args, name) for name in ('num_per_class', 'seed', 'format', 'image', 'resolution')}
    plan = plan.changed(**{key: value for key, value in given.items() if value is not None})
    writers = args.writers if args.writers is not None else 4 * args.device.startswith('cuda')
    job, device = Job.from_environment(), own_device(args.device)
    how = dict(dry_run=args.dry_run, verify=args.verify, sync=not args.no_sync)
    synthesize(plan, args.out_dir, device, job=job, writers=writers, **how)


if __name__ == '__main__':
    with plain_errors('The same command goes on'):
        main()
