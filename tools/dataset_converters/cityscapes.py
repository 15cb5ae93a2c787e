"""Check that the fine set of Cityscapes is complete, and make the masks (mmseg) and instances (mmdet) for training.

python tools/dataset_converters/cityscapes.py data/cityscapes

docs/transfer/data.md lists downloads, sources and terms. If the command is run again, it makes only missing files. It needs
cityscapesscripts, and for the instances onedl-mmdetection.
"""

from mmbdg.arguments import Parser
from mmbdg.converters.cityscapes import prepare_cityscapes
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('root', help='folder with leftImg8bit and gtFine')
    args = parser.parse_args()
    for split, found in prepare_cityscapes(args.root).items():
        print(f'{split}: {found["images"]} images; {found["made_now"]} masks made now')


if __name__ == '__main__':
    with plain_errors():
        main()
