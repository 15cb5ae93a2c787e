"""Draw the paper's Figures 7, 8, 9 and 11 from result files of tools/test.py (docs/figures.md).

    python tools/figures.py classes     work_dirs/fgbg_*/test.json --classifier work_dirs/classifier/test.json --out classes.png
    python tools/figures.py size        work_dirs/*/test.json --out size.png
    python tools/figures.py depth       work_dirs/*/test.json --out depth.png
    python tools/figures.py predictions work_dirs/a/test.json work_dirs/b/test.json --images 3 14 --out predictions.png

OUT gets the figure, and a JSON file of the same name its numbers. Figure 10 is drawn by tools/study.py.
"""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mmbdg  # noqa: F401
from mmbdg.arguments import Parser, natural_int, positive_int
from mmbdg.confidence import CONFIDENCE
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.leaderboard.class_figure import class_scores, draw_classes
from mmbdg.leaderboard.line_figure import draw_lines, lines_of
from mmbdg.leaderboard.prediction_figure import draw_predictions, read_predictions
from mmbdg.reading import read_json

Figure = tuple[dict[str, Any], Callable[[Path], None], str]
"""Numbers of a figure, the function that draws it, and what was drawn."""


def lines(args: Namespace) -> Figure:
    """Figures 8 and 9."""
    found = lines_of(args.figure, args.results)
    points = sum(len(line['points']) for line in found)
    return dict(confidence=CONFIDENCE, lines=found), lambda path: draw_lines(args.figure, found, path), f'{points} points'


def classes(args: Namespace) -> Figure:
    """Figure 7."""
    scores = class_scores(args.results, args.classifier, args.number)
    left_out = f'; without an IoU: {", ".join(scores["left_out"])}' if scores['left_out'] else ''
    text = f'{len(scores["classes"])} classes, the best {scores["best"][0]}, the worst {scores["worst"][0]}{left_out}'
    return dict(confidence=CONFIDENCE, **scores), lambda path: draw_classes(scores, path), text


def predictions(args: Namespace) -> Figure:
    """Figure 11."""
    found = read_predictions(args.results, args.images, args.titles)
    return found.numbers(), lambda path: draw_predictions(found, path), f'{len(found.images)} images'


FIGURES = dict(
    classes=('best and worst classes with their IoU and classification accuracy (Figure 7)', classes),
    size=('mIoU over the number of synthetic images (Figure 8)', lines),
    depth=('mIoU over the depth of the backbone (Figure 9)', lines),
    predictions=('images, true masks and predictions (Figure 11)', predictions),
)


def main() -> None:
    parser = Parser(__doc__)
    kinds = parser.add_subparsers(required=True, metavar='FIGURE', dest='figure')
    by_kind = {}
    for name, (text, _) in FIGURES.items():
        by_kind[name] = kind = kinds.add_parser(name, help=text, description=f'Draw the {text}.')
        kind.add_argument('results', nargs='+', help='files of tools/test.py')
        kind.add_argument('--out', type=Path, required=True, metavar='FILE.png', help='the figure; its numbers are in FILE.json')
    by_kind['classes'].add_argument('--classifier', metavar='RESULT', help='file of tools/test.py of a classifier; default: no accuracy')
    by_kind['classes'].add_argument(
        '--number',
        type=positive_int,
        help='number of best and of worst classes; default: 5, or half of the classes if there are fewer than 10',
    )
    by_kind['predictions'].add_argument(
        '--images',
        nargs='+',
        type=natural_int,
        default=(),
        metavar='IMAGE',
        help='numbers of test images; default: all saved by every result',
    )
    by_kind['predictions'].add_argument(
        '--titles', nargs='+', default=(), metavar='TITLE', help='one for each result; default: the name of the folder of its file'
    )
    args = parser.parse_args()
    if args.out.suffix != '.png':
        parser.error(f'--out must end with .png, got {args.out}')
    numbers, draw, text = FIGURES[args.figure][1](args)
    beside = args.out.with_suffix('.json')
    check_free(beside)
    check_place(args.out)
    write_json(beside, dict(figure=args.figure, **numbers))
    draw(args.out)
    print(f'{args.out} and {beside}: {text}')


def check_free(path: Path) -> None:
    """Check that no JSON file of another tool would be overwritten, for example the result itself by ``--out test.png``."""
    if not path.exists():
        return
    content = read_json(path)
    if not (isinstance(content, dict) and content.get('figure') in FIGURES):
        raise InputError(f'{path} is there already and is no file of this tool; its place is needed for the numbers: give another --out')


if __name__ == '__main__':
    with plain_errors():
        main()
