"""Chest X-rays with lung masks for configs/transfer/chest_xray, from four public sets as their archives unpack.

    python tools/dataset_converters/chest_xray.py archives/chest_xray data/chest_xray
    python tools/dataset_converters/chest_xray.py ROOT OUT --sets jsrt montgomery    # another dataset, and its card says so

ROOT holds a folder for each set: jsrt, montgomery, shenzhen, nih; docs/transfer/data.md says what to download, from whom, and under which
terms. A set that is not whole is refused with what is missing. A second call makes only what is missing.
"""

from mmbdg.arguments import Parser, positive_int
from mmbdg.converters.chest_xray.archives import ARCHIVES
from mmbdg.converters.chest_xray.convert import convert
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('root', help='folder with the unpacked archives')
    parser.add_argument('out', help='folder to write, data/chest_xray for the configs')
    parser.add_argument('--size', type=positive_int, default=512, help='side of the images, pixels; default: 512')
    names = [archive.set for archive in ARCHIVES]
    parser.add_argument('--sets', nargs='+', choices=names, help='use only these sets; the paper uses all four')
    args = parser.parse_args()
    card = convert(args.root, args.out, args.size, args.sets)
    train, test = sum(card['train'].values()), sum(card['test'].values())
    print(f'{card["name"]}: {train} training and {test} test images in {args.out}')
    print(card.get('note') or card['inferred'])


if __name__ == '__main__':
    with plain_errors():
        main()
