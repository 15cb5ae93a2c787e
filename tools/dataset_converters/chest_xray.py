"""Make the chest X-rays with lung masks for configs/transfer/chest_xray, from the unpacked archives of four public sets.

    python tools/dataset_converters/chest_xray.py archives/chest_xray data/chest_xray
    python tools/dataset_converters/chest_xray.py ROOT OUT --sets jsrt montgomery    # a different dataset; its card lists the sets

ROOT contains one folder for each set: jsrt, montgomery, shenzhen, nih. docs/transfer/data.md lists downloads, sources and terms. An
incomplete set raises an error that lists the missing files. If the command is run again, it makes only missing files.
"""

from mmbdg.arguments import Parser, positive_int
from mmbdg.converters.chest_xray.archives import ARCHIVES
from mmbdg.converters.chest_xray.convert import convert
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('root', help='folder with the unpacked archives')
    parser.add_argument('out', help='folder to write; the configs use data/chest_xray')
    parser.add_argument('--size', type=positive_int, default=512, help='height and width of the images in pixels; default: 512')
    names = [archive.set for archive in ARCHIVES]
    parser.add_argument('--sets', nargs='+', choices=names, help='sets to use; default: all four, as in the paper')
    args = parser.parse_args()
    card = convert(args.root, args.out, args.size, args.sets)
    train, test = sum(card['train'].values()), sum(card['test'].values())
    print(f'{card["name"]}: {train} training and {test} test images in {args.out}')
    print(card.get('note') or card['inferred'])


if __name__ == '__main__':
    with plain_errors():
        main()
