"""Check that VOC 2007 and 2012 are complete, and make train_aug2012 from SBD.

    python tools/dataset_converters/voc.py data/VOCdevkit
    python tools/dataset_converters/voc.py data/VOCdevkit --without-sbd    # detection only

docs/transfer/data.md lists downloads, sources and terms. If the command is run again, it makes only missing masks.
"""

from mmbdg.arguments import Parser
from mmbdg.converters.voc import augment_voc, check_voc
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('devkit', help='folder with VOC2007 and VOC2012')
    parser.add_argument('--sbd', help='folder of SBD, which contains dataset/cls; default: VOCaug in the devkit')
    parser.add_argument('--without-sbd', action='store_true', help='only check VOC')
    args = parser.parse_args()
    for name, count in check_voc(args.devkit).items():
        print(f'{name}: {count} images')
    if not args.without_sbd:
        counts = augment_voc(args.devkit, args.sbd)
        print(f'train_aug2012: {counts["trainaug"]} images, {counts["aug"]} of them from SBD; {counts["made_now"]} masks made now')


if __name__ == '__main__':
    with plain_errors():
        main()
