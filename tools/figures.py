"""Draw the paper's Figure 8 (mIoU over the number of synthetic images) or 9 (over the depth of the backbone) from result files.

    python tools/figures.py size  work_dirs/*/test.json --out size.png
    python tools/figures.py depth work_dirs/*/test.json --out depth.png

The files are those of tools/test.py. OUT gets the figure, and a JSON file of the same name its numbers.
"""

from pathlib import Path

import mmbdg  # noqa: F401
from mmbdg.arguments import Parser
from mmbdg.errors import plain_errors
from mmbdg.files import check_place, write_json
from mmbdg.leaderboard.line_figure import X_TITLES, draw_lines, lines_of


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('figure', choices=list(X_TITLES), help='what the figure shows')
    parser.add_argument('results', nargs='+', help='files of tools/test.py')
    parser.add_argument('--out', type=Path, required=True, metavar='FILE.png', help='the figure')
    args = parser.parse_args()
    if args.out.suffix != '.png':
        parser.error(f'--out must end with .png, got {args.out}')
    lines = lines_of(args.figure, args.results)
    check_place(args.out)
    write_json(args.out.with_suffix('.json'), dict(figure=args.figure, confidence=0.95, lines=lines))
    draw_lines(args.figure, lines, args.out)
    print(f'{args.out} and {args.out.with_suffix(".json")}: {sum(len(line["points"]) for line in lines)} points')


if __name__ == '__main__':
    with plain_errors():
        main()
