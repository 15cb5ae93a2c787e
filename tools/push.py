"""Upload a labelled generator or a dataset to the Hugging Face hub, with a card (README.md) and checksums (hashes.json).

    python tools/push.py work_dirs/biggan32_fashion/labelled_generator org/name --dry-run shared/name   # look at the files first
    python tools/push.py work_dirs/biggan32_fashion/labelled_generator org/name --licence CC-BY-4.0
    python tools/push.py shared/name org/name                                   # what --dry-run wrote; its README.md may be edited
    python tools/push.py data/fashion_sim org/name --dataset --layout webdataset

PATH is a folder that LabelledGenerator.load reads, the name of an embedded labelled generator, with --dataset a finished dataset, or a
folder that --dry-run or tools/export.py wrote. Log in before with: hf auth login (or set HF_TOKEN). Needs: pip install "mmbdg[hub]".
Files that an earlier upload left in the repository are removed; a repository with other files is refused.
Use what was uploaded: mmbdg.LabelledGenerator.load('org/name@COMMIT'); for datasets see docs/sharing.md.
"""

import argparse
import os
import tempfile
from pathlib import Path

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser
from mmbdg.calling import as_called
from mmbdg.errors import InputError, plain_errors
from mmbdg.file_hashes import HASHES, check_hashes
from mmbdg.sharing import LAYOUTS, Options, export
from mmbdg.sharing.model_folder import check_model_folder, is_model_folder, write_model_folder
from mmbdg.sharing.pushing import check_login, check_target, push
from mmbdg.storage.stored import StoredDataset

UPLOADED = [name for name, layout in LAYOUTS.items() if layout.hub]


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('path', help='labelled generator, with --dataset a dataset, or a folder written by --dry-run or tools/export.py')
    parser.add_argument('repository', help='org/name; it is created if it does not exist')
    parser.add_argument('--dataset', action='store_true', help='upload a dataset')
    parser.add_argument('--dry-run', metavar='FOLDER', help='write the files to FOLDER and list them; nothing is uploaded')
    parser.add_argument('--licence', default='', help='licence of weights, images and masks; default: that of the input')
    parser.add_argument('--figures', metavar='JSON', help='figures for the card of a labelled generator: a dict of numbers or texts')
    parser.add_argument('--layout', choices=UPLOADED, help='layout of a dataset; default: imagefolder')
    parser.add_argument('--selection', help='name of a selection of the dataset; only its samples are uploaded; default: all')
    parser.add_argument('--private', action='store_true', help='make a new repository private')
    parser.add_argument('--revision', help='branch to upload to; default: main')
    parser.add_argument('--message', default='Upload by mmbdg', help='message of the commit; default: %(default)s')
    args = parser.parse_args()
    check_target(args.repository)
    for option in ('layout', 'selection') if not args.dataset else ('figures',):
        if getattr(args, option):
            raise InputError(f'--{option} is for {"labelled generators" if args.dataset else "datasets (--dataset)"}')
    if args.dry_run:
        prepare(args, Path(args.dry_run))
        print('\n'.join([*listing(Path(args.dry_run)), 'nothing was uploaded; upload it with:', command(args)]))
        return
    check_login()
    if is_prepared(args):
        upload(args, Path(args.path))
        return
    with tempfile.TemporaryDirectory() as place:
        prepare(args, Path(place) / 'files')
        upload(args, Path(place) / 'files')


def is_prepared(args: argparse.Namespace) -> bool:
    """Whether the input is a folder as it is uploaded; if so, it is checked."""
    if args.dataset:
        prepared = os.path.lexists(Path(args.path) / HASHES)
        if prepared:
            check_hashes(args.path)
    else:
        prepared = is_model_folder(args.path)
        if prepared:
            check_model_folder(args.path)
    for option in ('licence', 'figures', 'layout', 'selection'):
        if prepared and getattr(args, option):
            raise InputError(f'{args.path} is prepared already, so --{option} has no effect: edit its README.md, or prepare it again')
    return prepared


def prepare(args: argparse.Namespace, out: Path) -> None:
    """Write the files that are uploaded."""
    if is_prepared(args):
        raise InputError(f'{args.path} is a prepared folder already: upload it without --dry-run')
    if not args.dataset:
        write_model_folder(args.path, out, args.repository, args.licence, args.figures)
        return
    dataset = StoredDataset(args.path, args.selection)
    licence = args.licence or dataset.catalogue.licence
    if not licence.strip():
        raise InputError(f'{args.path} states no licence, without which nobody may use it: name one with --licence, e.g. CC-BY-4.0')
    name = args.repository.split('/')[-1]
    for remark in export(dataset, out, args.layout or 'imagefolder', name, licence, Options(progress=True)):
        print(remark)


def listing(folder: Path) -> list[str]:
    """One line for each file: bytes and path."""
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return [f'{path.stat().st_size:>14,}  {path.relative_to(folder)}' for path in files]


def command(args: argparse.Namespace) -> str:
    """Command that uploads what a dry run wrote."""
    return as_called('python tools/push.py') + f' {args.dry_run} {args.repository}{" --dataset" if args.dataset else ""}'


def upload(args: argparse.Namespace, folder: Path) -> None:
    commit = push(folder, args.repository, args.dataset, args.private, args.revision, args.message)
    print('\n'.join(listing(folder)))
    print(f'uploaded to {args.repository}, commit {commit}')
    if not args.dataset:
        print(f"mmbdg.LabelledGenerator.load('{args.repository}@{commit}')")


if __name__ == '__main__':
    with plain_errors():
        main()
