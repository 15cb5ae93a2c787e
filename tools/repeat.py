"""A training repeated: over seeds and over what a grid varies, as one table with mean, spread and the paper's figures.

    python tools/repeat.py configs/transfer/voc/fcn_r50-d8_20k_voc12aug.py --seeds 0 1 2 3 4 --processes 4
    python tools/repeat.py CONFIG --seeds 0 1 2 --grid pretrained=None,densecl.pth,work_dirs/ours/backbone.safetensors \\
        --titles 'random init.' DenseCL BigGAN-sim-FPN
    python tools/repeat.py configs/transfer/fashion/fpn_r18_frozen.py --grid pretrained=None,BACKBONE label_fraction=0.01,1.0 \\
        --seeds 0 1 2 --seeded label_seed --cfg-options iterations=300 train_cfg.val_interval=50

Every run is tools/train.py in a folder of its own below --out. Run again, the tool does what is missing: a run that was interrupted goes on
from its last checkpoint, one that is done is not touched. The figures are those of each run's last validation; all validations make the
convergence figure, means with a band of the standard deviation over the seeds (paper, Figure 10).

Written into --out: NAME.json (every validation of every run), NAME.md, NAME.tex and NAME.png; NAME is the config's. The paper's
figures stand beside the rows whose title is one of its own names: 'random init.', supervised, MoCo-v2, DenseCL, BigGAN-sim-FPN.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

from forked_tools import Step, work_off
from measured import HEADLINES, Run, figures_of, mean_and_spread, validations
from paper_tables import PAPER, RANDOM, SUPERVISED, Published
from tqdm import tqdm

from mmbdg.arguments import Parser, natural_int, positive_int
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_json


class Cell(NamedTuple):
    """One point of the grid: what it is called, and its options for ``--cfg-options``."""

    title: str
    options: tuple[str, ...]

    @property
    def folder(self) -> str:
        """A name for its folder, by which it is found again."""
        return '_'.join(''.join(sign if sign.isalnum() or sign in '.-=' else '-' for sign in option) for option in self.options) or 'runs'


Runs = dict[Cell, dict[int, list[dict]]]
"""The validations of each run, by cell and seed."""


def cells(grid: Sequence[str], titles: Sequence[str] | None) -> list[Cell]:
    """Every combination of the grid's values, the last variable changing fastest.

    Raises:
        InputError: A part of the grid is not ``KEY=VALUE,VALUE...``, there are other than as many titles as cells, or two cells would have
            the same folder.
    """
    axes = []
    for part in grid:
        key, sign, values = part.partition('=')
        if not (key and sign and values):
            raise InputError(f'--grid takes KEY=VALUE,VALUE,..., got "{part}"')
        axes.append([f'{key}={value}' for value in values.split(',')])
    points = list(product(*axes))
    if titles and len(titles) != len(points):
        raise InputError(f'the grid has {len(points)} cells, --titles names {len(titles)}')
    found = [Cell(title, options) for title, options in zip(titles or map(_title, points), points, strict=True)]
    folders = [cell.folder for cell in found]
    if twice := {folder for folder in folders if folders.count(folder) > 1}:
        raise InputError(f'two cells of the grid have the same name: {", ".join(sorted(twice))}')
    return found


def _title(options: tuple[str, ...]) -> str:
    known = {'pretrained=None': RANDOM, 'pretrained=torchvision://resnet50': SUPERVISED}
    return ', '.join(known.get(option, option) for option in options) or 'all'


def run(cell: Cell, seed: int, args: argparse.Namespace, runs: Runs, bar: tqdm) -> Iterator[Step]:
    """A training, as far as it is not done."""
    work_dir = args.out / cell.folder / f'seed{seed}'
    settings = dict(config=args.config, options=[*cell.options, *(args.cfg_options or ())], seed=seed, seeded=list(args.seeded))
    refuse_other_settings(work_dir / 'settings.json', settings)
    done = work_dir / 'figures.json'
    if not done.is_file():
        options = [*settings['options'], *(f'{key}={seed}' for key in ('randomness.seed', *args.seeded))]
        go_on = ('--resume',) if (work_dir / 'last_checkpoint').is_file() else ()
        arguments = (args.config, '--work-dir', str(work_dir), *go_on, '--cfg-options', *options)
        yield Step('train.py', arguments, work_dir / 'train.txt', args.processes)
        found = validations(work_dir)
        if not found:
            raise InputError(
                f'{args.config} logs none of {", ".join(HEADLINES)} in {work_dir}: has it a validation (train_cfg.val_interval)?'
            )
        write_json(done, dict(**settings, validations=found))
    runs[cell][seed] = figures_of(done, Run)['validations']
    write(args, runs)
    bar.set_postfix_str(f'{cell.title}, seed {seed}')
    bar.update()


def refuse_other_settings(path: Path, settings: dict) -> None:
    """A run that was begun goes on with what it was begun with; the first call writes that down.

    Raises:
        InputError: It was begun with other settings.
    """
    if not path.is_file():
        write_json(path, settings)
    begun = figures_of(path, dict[str, Any])
    if other := [key for key in settings if begun.get(key) != settings[key]]:
        raise InputError(f'{path} has another {" and ".join(other)} ({begun.get(other[0])}): choose another --out, or remove that folder')


def write(args: argparse.Namespace, runs: Runs) -> str:
    """The runs so far: JSON, Markdown, LaTeX and the convergence figure."""
    name = Path(args.config).stem
    paper = PAPER.get(name)
    text, latex = as_markdown(runs, paper), as_latex(runs, paper)
    written = [dict(title=cell.title, options=cell.options, validations=seeds) for cell, seeds in runs.items()]
    write_json(args.out / f'{name}.json', dict(config=args.config, options=args.cfg_options or [], rows=written))
    write_atomically(args.out / f'{name}.md', lambda part: part.write_text(text, encoding='utf-8'))
    write_atomically(args.out / f'{name}.tex', lambda part: part.write_text(latex, encoding='utf-8'))
    return text


def metrics(runs: Runs, paper: Published | None) -> list[str]:
    """The keys that a table shows: the paper's, or every headline that was logged."""
    logged = {key for seeds in runs.values() for found in seeds.values() for line in found for key in line}
    return [key for key in (paper.metrics if paper else HEADLINES) if key in logged or paper]


def last(seeds: dict[int, list[dict]], key: str) -> list[float]:
    """The figures of each seed's last validation, in percent."""
    return [found[-1][key] * HEADLINES[key][1] for found in seeds.values() if key in found[-1]]


def table(runs: Runs, paper: Published | None) -> tuple[list[str], list[list[str]]]:
    """Head and rows: of each metric mean and spread and, if the paper has the task, its figure and how much more we have."""
    keys = metrics(runs, paper)
    head = ['pre-training', 'seeds']
    for key in keys:
        head += [HEADLINES[key][0], *(('paper', 'difference') if paper else ())]
    rows = []
    for cell, seeds in runs.items():
        row = [cell.title, str(len(seeds))]
        for i, key in enumerate(keys):
            figures = last(seeds, key)
            row.append(mean_and_spread(figures))
            if paper:
                published = paper.rows.get(cell.title)
                row.append(f'{published[i]:.1f}' if published else '-')
                row.append(f'{mean(figures) - published[i]:+.1f}' if published and figures else '-')
        rows.append(row)
    return head, rows


def as_markdown(runs: Runs, paper: Published | None) -> str:
    """With where the paper's figures are from."""
    head, rows = table(runs, paper)
    lines = [f'| {" | ".join(row)} |' for row in (head, ['---'] * len(head), *rows)]
    note = f'\nMean and standard deviation (n - 1) over the seeds{f"; paper: {paper.table}" if paper else ""}.\n'
    return '\n'.join(lines) + '\n' + note


def as_latex(runs: Runs, paper: Published | None) -> str:
    """A ``tabular`` without packages."""
    head, rows = table(runs, paper)
    lines = [f'\\begin{{tabular}}{{l{"r" * (len(head) - 1)}}}', '\\hline', f'{" & ".join(map(_latex, head))} \\\\', '\\hline']
    lines += [f'{" & ".join(map(_latex, row))} \\\\' for row in rows]
    return '\n'.join([*lines, '\\hline', '\\end{tabular}']) + '\n'


def _latex(text: str) -> str:
    for sign in '\\{}':
        text = text.replace(sign, {'\\': '/', '{': '(', '}': ')'}[sign])
    for sign in '_%&#$':
        text = text.replace(sign, f'\\{sign}')
    if '^' in text:
        base, _, above = text.partition('^')
        text = f'${base}^{{{above}}}$'
    return text.replace('±', '$\\pm$')


def draw(runs: Runs, paper: Published | None, path: Path) -> None:
    """The first metric over the iterations: a line for the mean of a cell, a band of the standard deviation over its seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    key = metrics(runs, paper)[0]
    name, scale = HEADLINES[key]
    figure = Figure(figsize=(6, 4), layout='constrained')
    axes = figure.add_subplot(xlabel='iteration', ylabel=f'{name} (%)')
    for cell, seeds in runs.items():
        steps, means, spreads = curve(seeds, key, scale)
        (line,) = axes.plot(steps, means, marker='o', markersize=3, label=cell.title)
        axes.fill_between(
            steps,
            [m - s for m, s in zip(means, spreads, strict=True)],
            [m + s for m, s in zip(means, spreads, strict=True)],
            color=line.get_color(),
            alpha=0.2,
            linewidth=0,
        )
    axes.legend()
    axes.grid(alpha=0.3)
    write_atomically(path, lambda part: FigureCanvasAgg(figure).print_png(str(part)))


def curve(seeds: dict[int, list[dict]], key: str, scale: float) -> tuple[list[int], list[float], list[float]]:
    """Iterations at which every seed was validated, means and standard deviations (n - 1; 0 of a single seed)."""
    by_seed = [{line['step']: line[key] * scale for line in found if key in line} for found in seeds.values()]
    steps = sorted(set.intersection(*map(set, by_seed))) if by_seed else []
    values = [[figures[step] for figures in by_seed] for step in steps]
    return steps, [mean(at) for at in values], [stdev(at) if len(at) > 1 else 0.0 for at in values]


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('config', help='config of the training')
    parser.add_argument('--seeds', nargs='+', type=natural_int, default=[0, 1, 2], help='for randomness.seed')
    parser.add_argument('--seeded', nargs='+', default=[], metavar='KEY', help='options that get the seed too, e.g. label_seed')
    parser.add_argument('--grid', nargs='+', default=[], metavar='KEY=VALUE,...', help='options to vary; every combination is run')
    parser.add_argument('--titles', nargs='+', help="of the grid's cells, the last option changing fastest")
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE', help='for every run')
    parser.add_argument('--out', type=Path, help='folder for all runs and the table; default: work_dirs/repeat/<name of the config>')
    parser.add_argument('--jobs', type=positive_int, default=1, help='runs at once; they share the threads')
    parser.add_argument('--processes', type=positive_int, default=1, help='of each run, by torchrun')
    args = parser.parse_args()
    if not Path(args.config).is_file():
        raise InputError(f'there is no config at {args.config}')
    args.out = args.out or Path('work_dirs/repeat') / Path(args.config).stem
    grid = cells(args.grid, args.titles)
    runs: Runs = {cell: {} for cell in grid}
    tqdm.monitor_interval = 0  # a thread beside the one that forks
    with tqdm(total=len(grid) * len(args.seeds), unit='run') as bar:
        work_off((run(cell, seed, args, runs, bar) for seed in args.seeds for cell in grid), args.jobs)
    runs = {cell: dict(sorted(seeds.items())) for cell, seeds in runs.items()}
    draw(runs, PAPER.get(Path(args.config).stem), args.out / f'{Path(args.config).stem}.png')
    print(write(args, runs))


if __name__ == '__main__':
    with plain_errors('The same command goes on with what is missing'):
        main()
