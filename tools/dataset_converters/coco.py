"""Check that COCO 2017 is whole before a training of hours begins: images, annotations, counts.

python tools/dataset_converters/coco.py data/coco

Nothing is converted. docs/transfer/data.md says what to download, from whom, and under which terms.
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
