"""What pre-training is worth: the transfer of four backbones at three label fractions, three seeds each.

    python tools/transfer_table.py work_dirs/transfer_table        # an hour on two cores; an interrupted run continues
    python tools/transfer_table.py work_dirs/transfer_table --transfer configs/transfer/fashion/linear_r18_frozen.py

Every cell is tools/train.py and tools/test.py on the transfer's config; a row differs in the backbone only. A seed decides the
pre-training, which labels are bought (listed in configs/transfer/fashion/label_subsets.json), and the transfer. Writes
<name of the transfer>.json and .md into the folder; the backbones there serve every transfer.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

from tqdm import tqdm

from mmbdg.files import write_atomically, write_json

TOOLS = Path(__file__).parent
TRANSFER = 'configs/transfer/fashion/fcn_r18_frozen.py'
# Row: the config that pre-trains its backbone, and what that consumes beside the 10,000 real images.
ROWS = {
    'random': (None, 'nothing'),
    'DenseCL': ('configs/baselines/densecl_fashion.py', 'nothing'),
    'classification': ('configs/baselines/classification_fashion.py', '10,000 class labels'),
    'joint': (  # DenseCL + segmentation of synthetic images
        'configs/densecl_biggan_fpn.py',
        '10,000 class labels (generator, classifier), 50 masks (interpreter)',
    ),
}
FRACTIONS = (0.01, 0.1, 1.0)


def run(*command: str, log: Path) -> None:
    """A tool of this folder, its output in a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w') as file:
        code = subprocess.run([sys.executable, *command], stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    if code:
        sys.exit(f'{" ".join(command)} failed with {code}; its output is in {log}')


def checkpoint(work_dir: Path) -> Path:
    """The last checkpoint of a training."""
    return Path((work_dir / 'last_checkpoint').read_text().strip())


def pretrain(config: str, seed: int, work_dir: Path, iterations: int | None) -> Path:
    """A backbone, made once."""
    backbone = work_dir / 'backbone.safetensors'
    if not backbone.is_file():
        options = ['--work-dir', str(work_dir), '--cfg-options', f'randomness.seed={seed}']
        options += [f'iterations={iterations}'] if iterations else []
        run(str(TOOLS / 'train.py'), config, *options, log=work_dir / 'train.txt')
        run(str(TOOLS / 'extract_backbone.py'), str(checkpoint(work_dir)), str(backbone), log=work_dir / 'extract.txt')
    return backbone


def transfer(config: str, backbone: Path | None, fraction: float, seed: int, work_dir: Path) -> float:
    """mIoU on the test images, measured once."""
    figures = work_dir / 'test.json'
    if not figures.is_file():
        source = [f'pretrained={backbone}'] if backbone else ['pretrained=None', 'model.backbone.init_cfg=None']
        options = ['--cfg-options', *source, f'label_fraction={fraction}', f'label_seed={seed}', f'randomness.seed={seed}']
        run(str(TOOLS / 'train.py'), config, '--work-dir', str(work_dir), *options, log=work_dir / 'train.txt')
        run(str(TOOLS / 'test.py'), config, str(checkpoint(work_dir)), '--work-dir', str(work_dir), log=work_dir / 'test.txt')
    return json.loads(figures.read_text())['metrics']['mIoU']


def as_markdown(table: dict[str, dict[str, list[float]]]) -> str:
    """Mean and standard deviation over the seeds."""
    lines = ['| backbone | labels and masks it consumed | ' + ' | '.join(f'{fraction:.0%} of labels' for fraction in FRACTIONS) + ' |']
    lines.append('| --- | --- |' + ' --- |' * len(FRACTIONS))
    for row, cells in table.items():
        figures = [f'{mean(cells[str(f)]):.1f} ± {stdev(cells[str(f)]) if len(cells[str(f)]) > 1 else 0:.1f}' for f in FRACTIONS]
        lines.append(f'| {row} | {ROWS[row][1]} | ' + ' | '.join(figures) + ' |')
    return '\n'.join(lines) + '\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', type=Path, help='folder for all trainings and the table')
    parser.add_argument('--transfer', default=TRANSFER, help='config of the transfer')
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--iterations', type=int, help='of each pre-training; default: what its config says')
    parser.add_argument('--rows', nargs='+', choices=list(ROWS), default=list(ROWS), help='which backbones')
    args = parser.parse_args()
    table: dict[str, dict[str, list[float]]] = {row: {str(fraction): [] for fraction in FRACTIONS} for row in args.rows}
    cells = [(row, seed, fraction) for seed in range(args.seeds) for row in args.rows for fraction in FRACTIONS]
    for row, seed, fraction in (bar := tqdm(cells, unit='transfer')):
        bar.set_postfix_str(f'{row}, seed {seed}, {fraction:.0%}')
        config = ROWS[row][0]
        backbone = pretrain(config, seed, args.out / row / f'seed{seed}' / 'pretrain', args.iterations) if config else None
        work_dir = args.out / row / f'seed{seed}' / Path(args.transfer).stem / f'labels{fraction}'
        table[row][str(fraction)].append(transfer(args.transfer, backbone, fraction, seed, work_dir))
    name = Path(args.transfer).stem
    write_json(args.out / f'{name}.json', table)
    text = as_markdown(table)
    write_atomically(args.out / f'{name}.md', lambda part: part.write_text(text, encoding='utf-8'))
    print(text)


if __name__ == '__main__':
    main()
