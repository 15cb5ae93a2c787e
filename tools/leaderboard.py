"""Make the leaderboard of the pixel-wise benchmarks from its entries, or a new entry from result files.

    python tools/leaderboard.py docs/leaderboard/entries --out docs/leaderboard
    python tools/leaderboard.py work_dirs/fgbg_seed*/test.json --new docs/leaderboard/entries/joint.json --domain fashion \\
        --method "joint pre-training" --pretraining "DenseCL + BigGAN-sim" --backbone ResNet-18 --data real --pretraining-data biggan-off \\
        --synthetic 1000 --consumed 10000 10000 50
    python tools/leaderboard.py work_dirs/benchmark/benchmark.json --row joint --new ENTRY.json ...

The first command reads and checks all entries (JSON files, or folders of them) and writes leaderboard.md, leaderboard.json and
leaderboard.html (one self-contained file) to --out. An entry that is incomplete or inconsistent ends it with the reason, and nothing is
written. With --new, the files are those of tools/test.py, one for each task and seed, or the JSON file of a study whose steps include
tools/test.py. docs/leaderboard.md describes entries and how to submit one.
"""

import argparse
from pathlib import Path

import mmbdg  # noqa: F401
from mmbdg.arguments import Parser, natural_int
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.leaderboard import DOMAINS, About, new_entry, read_entries, write_pages
from mmbdg.leaderboard.entry import DATA_KINDS, ONLINE
from mmbdg.leaderboard.links import Links, checked_prefix
from mmbdg.leaderboard.result_files import results_in

ROOT = Path(__file__).resolve().parents[1]


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('files', nargs='+', help='entries (files or folders); with --new, result files')
    parser.add_argument('--out', type=Path, help='folder of the pages')
    parser.add_argument(
        '--links',
        metavar='ADDRESS',
        help='https:// address of the repository that links to configs and docs begin with; default: relative links, if --out is in it',
    )
    new = parser.add_argument_group('a new entry')
    new.add_argument('--new', type=Path, metavar='ENTRY.json', help='file of the new entry; an existing one is not overwritten')
    new.add_argument('--domain', choices=sorted(DOMAINS), help='domain of the results')
    new.add_argument('--method', help='name of the method')
    new.add_argument('--pretraining', help='name of the pre-training, e.g. DenseCL, or random')
    new.add_argument('--backbone', help='backbone, e.g. ResNet-50')
    new.add_argument('--data', nargs='+', choices=list(DATA_KINDS), help='data that the segmentor was trained on')
    new.add_argument(
        '--pretraining-data', nargs='+', choices=list(DATA_KINDS), default=[], help='data that the backbone was trained on before'
    )
    new.add_argument('--synthetic', type=natural_int, help='number of synthetic images in both; default: 0, or null for biggan-on')
    new.add_argument(
        '--consumed',
        nargs=3,
        type=natural_int,
        metavar=('IMAGES', 'LABELS', 'MASKS'),
        help='real images without labels, labels of whole images and drawn masks that all parts together needed',
    )
    new.add_argument('--consumed-note', default='', help='which part needed them')
    new.add_argument('--seeds', nargs='+', type=natural_int, help='seeds of the files of each task, if their checkpoints do not have them')
    new.add_argument('--config', help='path in the repository or https:// address of the config; default: that of the result files')
    new.add_argument('--docs', help='page about the method: path in the repository, or https:// address')
    new.add_argument('--weights', help='https:// address of the weights')
    new.add_argument('--submitted-by', default='', help='name of a person or group')
    new.add_argument('--note', default='', help='what else a reader should know')
    new.add_argument('--row', help='row of the study')
    new.add_argument('--steps', type=Path, help='folder of the steps of the study; default: steps beside its file')
    args = parser.parse_args()
    if (args.new is None) == (args.out is None):
        parser.error('give --out for the pages, or --new for a new entry')
    if args.out:
        of_pages = ('files', 'out', 'links')
        if given := [name for name, value in vars(args).items() if name not in of_pages and value != parser.get_default(name)]:
            parser.error(f'--{given[0].replace("_", "-")} describes a new entry: give --new')
    else:
        needed = ('domain', 'method', 'pretraining', 'backbone', 'data', 'consumed')
        if missing := [f'--{name}' for name in needed if getattr(args, name) is None]:
            parser.error(f'--new needs {", ".join(missing)}')
        if args.links:
            parser.error('--links belongs to the pages: give --out')
    return args


def main() -> None:
    args = parse_args()
    if args.new:
        make_entry(args)
    else:
        make_pages(args)


def make_pages(args: argparse.Namespace) -> None:
    links = Links(ROOT, args.out, checked_prefix(args.links) if args.links else None)
    entries = read_entries(args.files, ROOT)
    check_place(args.out / 'leaderboard.json')
    content = write_pages(entries, args.out, links)
    for domain in content['domains']:
        print(f'{domain["title"]}: {len(domain["entries"])} entries')
    print(f'leaderboard.md, leaderboard.json and leaderboard.html are in {args.out}')


def make_entry(args: argparse.Namespace) -> None:
    if args.new.exists():
        raise InputError(f'{args.new} is there already and is not overwritten; choose another name, or remove it')
    online = set(ONLINE) & {*args.data, *args.pretraining_data}
    synthetic = 0 if args.synthetic is None and not online else args.synthetic
    results = [result for file in args.files for result in results_in(file, args.row, args.steps)]
    about = About(
        domain=args.domain,
        method=args.method,
        pretraining=args.pretraining,
        backbone=args.backbone,
        training=args.data,
        pretraining_data=args.pretraining_data,
        synthetic=synthetic,
        consumed=tuple(args.consumed),
        consumed_note=args.consumed_note,
        config=args.config,
        docs=args.docs,
        weights=args.weights,
        submitted_by=args.submitted_by,
        note=args.note,
    )
    content, entry = new_entry(about, results, ROOT, args.seeds)
    write_json(args.new, content)
    for name, figures in entry.tasks.items():
        print(f'{name}: {figures.mean:.2f} over {len(entry.seeds)} seeds')
    print(f'the entry is in {args.new}')


if __name__ == '__main__':
    with plain_errors():
        main()
