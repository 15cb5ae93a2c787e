"""What pre-training is worth: the transfer of backbones that were pre-trained in different ways, by the fraction of labels.

    python tools/transfer_table.py work_dirs/transfer_table        # an hour on two cores; an interrupted run continues
    python tools/transfer_table.py work_dirs/transfer_table --transfer configs/transfer/fashion/linear_r18_frozen.py
    python tools/transfer_table.py work_dirs/ablation --table ablation --jobs 2 --iterations 100 --transfer-iterations 75

The table main compares random features, DenseCL, class labels and the joint pre-training, the table ablation the parts of the latter
(paper, Table 5).
Every backbone is made by tools/train.py and tools/extract_backbone.py, every cell is tools/train.py on the transfer's config; the figure is
the validation at the end of it, on the test images. A seed decides the pre-training, which labels are bought
(mmbdg.datasets.label_fraction.labelled_subset; configs/transfer/fashion/label_subsets.json lists some), and the transfer. Writes
<name of the transfer>.json and .md into the folder, of the ablation ablation.json and .md, after each cell; the backbones there serve every
transfer.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from forked_tools import Step, work_off
from measured import Validation, figures_of, mean_and_spread, validations
from tqdm import tqdm

from mmbdg.arguments import Parser, positive_fraction, positive_int
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_json


class Segmentation(Validation):
    """The validation of a transfer."""

    mIoU: float


class Row(NamedTuple):
    """A way to pre-train a backbone."""

    title: str
    config: str | None
    """None: the backbone stays random."""
    options: tuple[str, ...] = ()
    """For ``--cfg-options``."""
    consumed: str | None = None
    """Labels and masks beside the 10,000 real images."""

    @property
    def recipe(self) -> str:
        """How tools/train.py is called."""
        if self.config is None:
            return ''
        return ' '.join([self.config, '--cfg-options', *self.options] if self.options else [self.config])


class Table(NamedTuple):
    """Rows, the fractions of labels of the columns, the config of the transfer unless another one is given, and a name for the files."""

    rows: dict[str, Row]
    fractions: tuple[float, ...]
    transfer: str
    name: str | None = None


JOINT = 'configs/densecl_biggan_fpn.py'
DENSECL = 'configs/baselines/densecl_fashion.py'
MORE_IMAGES = 'train_dataloader.dataset.seg.prepare.num_per_class'  # of each of ten classes; the config's are 100
TABLES = {
    'main': Table(
        {
            'random': Row('random', None, consumed='nothing'),
            'DenseCL': Row('DenseCL', DENSECL, consumed='nothing'),
            'classification': Row('classification', 'configs/baselines/classification_fashion.py', consumed='10,000 class labels'),
            'joint': Row('joint', JOINT, consumed='10,000 class labels (generator, classifier), 50 masks (interpreter)'),
        },
        (0.01, 0.1, 1.0),
        'configs/transfer/fashion/fpn_r18_frozen.py',
    ),
    'ablation': Table(
        {
            'random': Row('random', None),
            'DenseCL': Row('DenseCL', DENSECL),
            'joint': Row('DenseCL + segmentation, offline', JOINT),
            'joint_online': Row('DenseCL + segmentation, online', 'configs/densecl_biggan_fpn_online.py'),
            'segmentation': Row('segmentation alone', 'configs/baselines/segmentation_fashion.py'),
            'joint_fgbg': Row('offline, FG/BG instead of 11 labels', JOINT, ('label_space=fgbg',)),
            'joint_2x': Row('offline, 2x synthetic images', JOINT, (f'{MORE_IMAGES}=200',)),
            'joint_4x': Row('offline, 4x synthetic images', JOINT, (f'{MORE_IMAGES}=400',)),
        },
        (0.01, 0.05, 0.1, 0.5, 1.0),
        'configs/transfer/fashion/linear_r18_frozen.py',  # under a head of two convolutions the differences drown
        'ablation',
    ),
}
Figures = dict[str, dict[str, list[float | None]]]
"""mIoU by row, fraction and seed; None where it is not known yet."""


def pretrain(row: Row, seed: int, iterations: int | None, work_dir: Path) -> Iterator[Step]:
    """The backbone of a row, made once."""
    backbone = work_dir / 'backbone.safetensors'
    if not backbone.is_file():
        options = [*row.options, f'randomness.seed={seed}']
        options += ['custom_hooks=[]', 'train_cfg.val_begin=1000000000']  # neither pictures nor a validation
        options += [f'iterations={iterations}'] if iterations else []
        arguments = (row.config, '--work-dir', str(work_dir), '--cfg-options', *options)
        yield Step('train.py', arguments, work_dir / 'train.txt')
        checkpoint = (work_dir / 'last_checkpoint').read_text().strip()
        yield Step('extract_backbone.py', (checkpoint, str(backbone)), work_dir / 'extract.txt')


def transfer(config: str, backbone: Path | None, fraction: float, seed: int, iterations: int | None, work_dir: Path) -> Iterator[Step]:
    """``figures.json`` in the work dir, measured once."""
    if not (work_dir / 'figures.json').is_file():
        options = [f'pretrained={backbone}'] if backbone else ['pretrained=None']
        options += [f'label_fraction={fraction}', f'label_seed={seed}', f'randomness.seed={seed}']
        options += ['custom_hooks=[]', 'default_hooks.checkpoint.save_last=False']  # neither pictures nor a checkpoint
        options += [f'iterations={iterations}'] if iterations else []
        yield Step('train.py', (config, '--work-dir', str(work_dir), '--cfg-options', *options), work_dir / 'train.txt')
        write_json(work_dir / 'figures.json', validations(work_dir)[-1])


def chain(key: str, row: Row, seed: int, args: argparse.Namespace, figures: Figures, bar: tqdm) -> Iterator[Step]:
    """A row's backbone and its transfers, of one seed."""
    folder = args.out / key / f'seed{seed}' / (f'iterations{args.iterations}' if args.iterations else '')
    transfers = folder / (Path(args.transfer).stem + (f'_{args.transfer_iterations}' if args.transfer_iterations else ''))
    if row.config:
        yield from pretrain(row, seed, args.iterations, folder / 'pretrain')
    backbone = folder / 'pretrain' / 'backbone.safetensors' if row.config else None
    for fraction in args.fractions:
        work_dir = transfers / f'labels{fraction}'
        yield from transfer(args.transfer, backbone, fraction, seed, args.transfer_iterations, work_dir)
        figures[key][str(fraction)][seed] = figures_of(work_dir / 'figures.json', Segmentation)['mIoU']
        write(args, figures)
        bar.set_postfix_str(f'{row.title}, seed {seed}, {fraction:.0%}')
        bar.update()


def write(args: argparse.Namespace, figures: Figures) -> str:
    """The figures so far, with what made them, as JSON and as Markdown."""
    rows = {key: TABLES[args.table].rows[key] for key in args.rows}
    name = TABLES[args.table].name or Path(args.transfer).stem
    settings = dict(transfer=args.transfer, iterations=args.iterations, transfer_iterations=args.transfer_iterations)
    recipes = {key: row.recipe for key, row in rows.items()}
    write_json(args.out / f'{name}.json', dict(**settings, pretraining=recipes, mIoU=figures))
    text = as_markdown(rows, figures)
    write_atomically(args.out / f'{name}.md', lambda part: part.write_text(text, encoding='utf-8'))
    return text


def as_markdown(rows: dict[str, Row], figures: Figures) -> str:
    """Mean and standard deviation (n - 1) over the seeds."""
    fractions = next(iter(figures.values()))
    what = 'labels and masks it consumed' if all(row.consumed for row in rows.values()) else 'pre-trained by tools/train.py'
    lines = [f'| backbone | {what} | ' + ' | '.join(f'{float(fraction):.0%} of labels' for fraction in fractions) + ' |']
    lines.append('| --- | --- |' + ' --- |' * len(fractions))
    for key, row in rows.items():
        about = row.consumed or (f'`{row.recipe}`' if row.config else 'nothing')
        lines.append(f'| {row.title} | {about} | ' + ' | '.join(map(mean_and_spread, figures[key].values())) + ' |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', type=Path, help='folder for all trainings and the table')
    parser.add_argument('--table', choices=list(TABLES), default='main')
    parser.add_argument('--rows', nargs='+', help="which of the table's backbones")
    parser.add_argument('--fractions', nargs='+', type=positive_fraction, help='of the labels; default: what the table has')
    parser.add_argument('--seeds', type=positive_int, default=3)
    parser.add_argument('--transfer', help='config of the transfer; default: what the table has')
    parser.add_argument('--iterations', type=positive_int, help='of each pre-training; default: what its config says')
    parser.add_argument('--transfer-iterations', type=positive_int, help='default: what its config says')
    parser.add_argument('--jobs', type=positive_int, default=1, help='trainings at once; they share the threads')
    args = parser.parse_args()
    table = TABLES[args.table]
    args.rows, args.fractions, args.transfer = (
        args.rows or list(table.rows),
        args.fractions or table.fractions,
        args.transfer or table.transfer,
    )
    if unknown := set(args.rows) - set(table.rows):
        raise InputError(f'the table {args.table} has no row {", ".join(sorted(unknown))}; it has {", ".join(table.rows)}')
    figures: Figures = {key: {str(fraction): [None] * args.seeds for fraction in args.fractions} for key in args.rows}
    tqdm.monitor_interval = 0  # a thread beside the one that forks
    with tqdm(total=len(args.rows) * args.seeds * len(args.fractions), unit='transfer') as bar:
        order = [(seed, key) for seed in range(args.seeds) for key in args.rows]
        work_off((chain(key, table.rows[key], seed, args, figures, bar) for seed, key in order), args.jobs)
    print(write(args, figures))


if __name__ == '__main__':
    with plain_errors('The same command goes on with what is missing'):
        main()
