"""How well interpreters label, by the number of annotations: head against per-pixel MLP, ensemble against single member.

    python tools/interpreter_table.py work_dirs/interpreter_table --jobs 2      # an interrupted run continues
    python tools/interpreter_table.py work_dirs/interpreter_table --rows head --per-class 5 --members 16

Every cell is tools/train.py and tools/test.py on the row's config. A seed decides which samples are annotated (by the documented rule) and
the training; all are measured on the same 1,000 held-out samples. Writes interpreters.json, interpreters.md and interpreters.png into the
folder. A job computes with one thread.
"""

import argparse
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import mean, stdev

import numpy as np
from measured import Tested, figures_of
from tqdm import tqdm

from mmbdg.arguments import Parser, positive_int
from mmbdg.compat.config import read_config
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import write_atomically, write_json
from mmbdg.reading import read_text

TOOLS = Path(__file__).parent
CONFIGS = Path('configs/interpreter')
# Row: its config, and the samples of each member in an iteration.
ROWS = {
    'head': ('biggan32_fashion.py', 4),
    'MLP': ('biggan32_fashion_mlp.py', 4),
    'light head': ('biggan32_fashion_light.py', 4),
    'shared trunk': ('biggan32_fashion_shared-trunk.py', 1),
}
ANNOTATION_SEEDS = (1, 3, 4)  # 2 is the held-out samples'
RULE = 'mmbdg.annotation.foreground.fashion_foreground'
FIGURES = ('mIoU_fgbg', 'single_fgbg', 'kept_fgbg', 'mIoU_classes', 'single_classes', 'kept_classes', 'spearman')


def run(*command: str, log: Path) -> None:
    """A tool of this folder in one thread, its output in a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        code = subprocess.run(
            [sys.executable, *command], stdout=file, stderr=subprocess.STDOUT, env=os.environ | dict(OMP_NUM_THREADS='1'), check=False
        ).returncode
    if code:
        raise InputError(f'{" ".join(command)} failed with {code}; its output is in {log}')


def annotate(out: Path, seed: int, per_class: int) -> Path:
    """A set of annotated latents, made once."""
    folder = out / 'annotated' / f'seed{seed}_{per_class}'
    if not folder.is_dir():
        options = ['--per-class', str(per_class), '--rule', RULE, '--cfg-options', f'annotation_seed={seed}']
        part = folder.with_suffix('.part')
        shutil.rmtree(part, ignore_errors=True)
        run(str(TOOLS / 'annotate.py'), 'sample', str(CONFIGS / ROWS['head'][0]), str(part), *options, log=out / 'annotated' / 'log.txt')
        part.rename(folder)
    return folder


def cell(out: Path, row: str, per_class: int, seed: int, annotated: Path, args: argparse.Namespace) -> dict[str, float]:
    """Figures of one training, measured once."""
    config, member_batch = ROWS[row]
    work_dir = out / row.replace(' ', '-') / f'per-class{per_class}' / f'seed{seed}_members{args.members}_iters{args.iterations}'
    figures = work_dir / 'test.json'
    if not figures.is_file():
        options = [f'annotated={annotated}', f'train_dataloader.dataset.per_class={per_class}', f'randomness.seed={seed}']
        options += [f'num_members={args.members}', f'member_batch={member_batch}', f'train_cfg.max_iters={args.iterations}']
        options += [f'train_cfg.val_interval={args.iterations + 1}', f'default_hooks.checkpoint.interval={args.iterations}']
        options += [f'model.feature_cache.folder={out / "features"}']
        path, place = str(CONFIGS / config), ['--work-dir', str(work_dir)]
        run(str(TOOLS / 'train.py'), path, *place, '--cfg-options', *options, log=work_dir / 'train.txt')
        checkpoint = read_text(work_dir / 'last_checkpoint').strip()
        measured = ['model.keep_members=True', 'test_evaluator.type=mmbdg.EnsembleQuality', 'test_evaluator.per_class=False']
        measured += [f'num_members={args.members}']
        run(str(TOOLS / 'test.py'), path, checkpoint, *place, '--cfg-options', *measured, log=work_dir / 'test.txt')
    return figures_of(figures, Tested)['metrics']


def as_text(figures: list[float | None]) -> str:
    """Mean and standard deviation over the seeds; "-" where a seed has no such figure."""
    if None in figures:
        return '-'
    digits = 2 if max(map(abs, figures)) <= 1 else 1
    return f'{mean(figures):.{digits}f} ± {stdev(figures) if len(figures) > 1 else 0:.{digits}f}'


def as_markdown(table: list[dict]) -> str:
    """A row for each config and number of annotations."""
    spaces = [column for space in ('FG/BG', '11 classes') for column in (space, 'one member', 'certain 90 %')]
    head = ['labeller', 'annotations a class', *spaces, 'Spearman']
    lines = ['| ' + ' | '.join(head) + ' |', '| --- |' + ' --- |' * (len(head) - 1)]
    for entry in table:
        cells = [as_text([seed.get(name) for seed in entry['seeds']]) for name in FIGURES]
        lines.append(f'| {entry["row"]} | {entry["per_class"]} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines) + '\n'


def ceiling(stride: int) -> dict[str, float]:
    """mIoU that masks drawn at a stride can reach: the mean of each block of pixels, resized as logits are, foreground from one half on."""
    import torch

    from mmbdg.datasets import RuleAnnotatedLatents
    from mmbdg.evaluation import LabellerIoU

    cfg = read_config(CONFIGS / ROWS['head'][0]).test_dataloader.dataset
    cfg.pop('type')
    dataset, metric = RuleAnnotatedLatents(**cfg), LabellerIoU()
    metric.dataset_meta = dataset.metainfo
    for item in dataset:
        sample = item['data_samples'].to_dict()
        mask = sample['gt_sem_seg']['data'][None].float()
        coarse = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(mask, stride), scale_factor=stride, mode='bilinear')
        metric.process(None, [sample | dict(pred_sem_seg=dict(data=(coarse[0] > 0.5).long()), num_outputs=1)])
    figures = metric.evaluate(len(dataset))
    return {key: figures[key] for key in ('mIoU_fgbg', 'mIoU_classes')}


def draw(path: Path, table: list[dict]) -> None:
    """mIoU over the number of annotations; a band is the spread of the seeds."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    for axis, name, title in zip(axes, ('fgbg', 'classes'), ('foreground / background', '11 classes'), strict=True):
        for row, colour in (('head', 'tab:blue'), ('MLP', 'tab:orange')):
            entries = [entry for entry in table if entry['row'] == row]
            for key, style, what in (('mIoU', '-', 'ensemble'), ('single', '--', 'one member')):
                values = np.array([[seed[f'{key}_{name}'] for seed in entry['seeds']] for entry in entries])
                if len(values):
                    counts, spread = [entry['per_class'] for entry in entries], values.std(1, ddof=1) if values.shape[1] > 1 else 0
                    axis.plot(counts, values.mean(1), style, marker='o', color=colour, label=f'{row}, {what}')
                    axis.fill_between(counts, values.mean(1) - spread, values.mean(1) + spread, color=colour, alpha=0.15, linewidth=0)
        axis.set(title=title, xlabel='annotations a class', ylabel='mIoU', xscale='log')
        axis.set_xticks([1, 2, 5, 10], ['1', '2', '5', '10'])
        axis.grid(alpha=0.3)
    axes[0].legend()
    write_atomically(path, lambda part: figure.savefig(part, dpi=110, format='png'))


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', type=Path, help='folder for all trainings and the table')
    parser.add_argument('--rows', nargs='+', choices=list(ROWS), default=list(ROWS))
    parser.add_argument('--per-class', nargs='+', type=positive_int, default=[1, 2, 5, 10], help='annotations of each class')
    parser.add_argument('--also', nargs='*', type=positive_int, default=[5], help='annotations of each class for the last two rows')
    parser.add_argument('--seeds', type=positive_int, default=3, choices=(1, 2, 3))
    parser.add_argument('--members', type=positive_int, default=8)
    parser.add_argument('--iterations', type=positive_int, default=500)
    parser.add_argument('--jobs', type=positive_int, default=1, help='trainings at once')
    args = parser.parse_args()
    counts = {row: args.per_class if row in ('head', 'MLP') else args.also for row in args.rows}
    most = max(10, *(count for row in counts.values() for count in row))
    sets = [annotate(args.out, seed, most) for seed in ANNOTATION_SEEDS[: args.seeds]]
    cells = [(row, count, seed) for row in args.rows for count in counts[row] for seed in range(args.seeds)]
    with ThreadPoolExecutor(args.jobs) as pool, tqdm(total=len(cells), unit='training') as bar:
        futures = {key: pool.submit(cell, args.out, *key, sets[key[2]], args) for key in cells}
        for future in futures.values():
            future.add_done_callback(lambda _: bar.update())
        try:
            figures = {key: future.result() for key, future in futures.items()}
        finally:
            pool.shutdown(cancel_futures=True)  # the first failure ends it
    table = [
        dict(row=row, per_class=count, seeds=[figures[row, count, seed] for seed in range(args.seeds)])
        for row in args.rows
        for count in counts[row]
    ]
    settings = dict(members=args.members, iterations=args.iterations, annotation_seeds=ANNOTATION_SEEDS[: args.seeds])
    write_json(args.out / 'interpreters.json', dict(**settings, stride_2_ceiling=ceiling(2), table=table))
    text = as_markdown(table)
    write_atomically(args.out / 'interpreters.md', lambda part: part.write_text(text, encoding='utf-8'))
    draw(args.out / 'interpreters.png', table)
    print(text)


if __name__ == '__main__':
    with plain_errors('The same command goes on with what is missing'):
        main()
