"""Look at a folder of images before a training: what is in it, what is wrong with it, and which settings suit it.

    python tools/check_images.py data/own/images
    python tools/check_images.py data/own/images --budget gpu-hour --out images.json
    python tools/check_images.py data/own/images --near none

The folder has a folder for each class, as for configs/own. All images are read. Found are broken files, equal and nearly equal images, the
same image in two classes, blank and very long images, small and uneven classes, grey among colour images, and files that are not used. At
the end the tool prints lines for configs/own/dataset.py. docs/own_images.md explains each fault.

Exit code: 0 a training can start (there may be remarks); 1 there are errors; 2 the folder could not be checked.
"""

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Bounded, Parser
from mmbdg.errors import plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.listing import list_files
from mmbdg.own_images import BUDGETS
from mmbdg.own_images.duplicates import NEAR
from mmbdg.own_images.folder import check_folder
from mmbdg.own_images.folder_text import report_text

levels = Bounded(float, 0, 255)


def near_levels(text: str) -> float | None:
    """Value of --near: grey levels, or None for "none"."""
    return None if text == 'none' else levels(text)


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('folder', help='folder with a folder for each class: <class>/*.png|jpg')
    parser.add_argument('--budget', choices=(*BUDGETS,), default='cpu-hour', help='budget of the suggested settings; default: cpu-hour')
    parser.add_argument(
        '--near',
        type=near_levels,
        default=str(NEAR),
        help='largest difference of nearly equal images in grey levels, or "none" for no search, which is quadratic; default: %(default)s',
    )
    parser.add_argument('--out', type=Path, help='JSON file with everything that was found')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if args.out:
        check_place(args.out)
    with tqdm(total=len(list_files(args.folder, depth=None).files), unit='image', dynamic_ncols=True) as bar:
        report = check_folder(args.folder, args.near, args.budget, bar.update)
    print(report_text(report))
    if args.out:
        write_json(args.out, report.record())
    sys.exit(report.stops)


if __name__ == '__main__':
    with plain_errors():
        main()
