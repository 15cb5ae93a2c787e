"""Check that COCO 2017 is complete before a long training: images, annotations and their numbers.

python tools/dataset_converters/coco.py data/coco

No files are written. docs/transfer/data.md lists downloads, sources and terms.
"""

from mmbdg.arguments import Parser
from mmbdg.converters.coco import check_coco
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('root', help='folder with train2017, val2017 and annotations')
    args = parser.parse_args()
    for split, found in check_coco(args.root).items():
        print(f'{split}: ' + ', '.join(f'{count} {what.replace("_", " ")}' for what, count in found.items()))


if __name__ == '__main__':
    with plain_errors():
        main()
