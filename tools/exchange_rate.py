"""How many images of one source match n images of another, from the results of tools/study.py (docs/exchange_rate.md).

    python tools/exchange_rate.py work_dirs/masks/masks.json:real work_dirs/masks/masks.json:biggan work_dirs/exchange --figure mIoU
    python tools/exchange_rate.py real.json:real synthetic.json:biggan synthetic.json:diffusion work_dirs/exchange --at 100 250 1000

A curve is a row of a study: accuracy or mIoU over the columns, whose value is the number of images. The first curve is the one whose images
are exchanged (real images, as a rule); for each n, the tool tells how many images of each other curve give the same figure. Writes
exchange_rate.md, exchange_rate.json and exchange_rate.png to OUT.
"""

from pathlib import Path

import mmbdg  # noqa: F401
from mmbdg.arguments import Parser, natural_int, positive_float, positive_int
from mmbdg.errors import plain_errors
from mmbdg.files import check_place, write_atomically, write_json
from mmbdg.studies.exchange_rate import DRAWS, exchange_rates
from mmbdg.studies.exchange_report import as_json, as_markdown, draw
from mmbdg.studies.size_curves import read_curves


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('first', metavar='FIRST', help='FILE.json:ROW of the images that are exchanged')
    parser.add_argument('others', metavar='OTHER', nargs='+', help='FILE.json:ROW of the images that replace them')
    parser.add_argument('out', metavar='OUT', type=Path, help='folder of the results')
    parser.add_argument('--figure', help='figure of the study, e.g. mIoU or accuracy; default: its only figure')
    parser.add_argument(
        '--at', nargs='+', type=positive_float, metavar='N', help='numbers of images to exchange; default: the measured ones'
    )
    parser.add_argument('--draws', type=positive_int, default=DRAWS, help=f'random draws for the intervals; default: {DRAWS}')
    parser.add_argument('--seed', type=natural_int, default=0, help='seed of the draws; default: 0')
    args = parser.parse_args()
    (first, *others), metric = read_curves([args.first, *args.others], args.figure)
    rates = {other.name: exchange_rates(first, other, args.at, args.draws, args.seed) for other in others}
    curves = [first, *others]
    paths = {end: args.out / f'exchange_rate.{end}' for end in ('json', 'md', 'png')}
    for path in paths.values():
        check_place(path)
    text = as_markdown(curves, metric, rates)
    write_json(paths['json'], dict(at=args.at, draws=args.draws, seed=args.seed, **as_json(curves, metric, rates)))
    write_atomically(paths['md'], lambda part: part.write_text(text, encoding='utf-8'))
    draw(curves, metric, rates, paths['png'])
    print(text)
    print(', '.join(map(str, paths.values())))


if __name__ == '__main__':
    with plain_errors():
        main()
