"""Make a second domain: photographed objects of eight classes over photographs, in colour, 64 px, with exact masks.

python tools/dataset_converters/stamps.py / data/stamps64                # from installed packages of Debian
python tools/dataset_converters/stamps.py data/packages data/stamps64    # from packages that were unpacked with dpkg-deb -x

docs/stamps.md describes the data; if a package is missing, the message has the command that gets it.
"""

from mmbdg.arguments import Parser, natural_int, positive_int
from mmbdg.converters.stamps import PER_CLASS, make_stamps
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('packages', help='folder into which the packages were unpacked, or / if they are installed')
    parser.add_argument('out', help='folder to write')
    parser.add_argument('--train', type=positive_int, default=PER_CLASS['train'], help='training images of a class; default: %(default)s')
    parser.add_argument('--test', type=positive_int, default=PER_CLASS['test'], help='test images of a class; default: %(default)s')
    parser.add_argument('--seed', type=natural_int, default=0, help='seed of the images; default: 0')
    parser.add_argument('--any-version', action='store_true', help='use files of other versions of the packages too')
    args = parser.parse_args()
    card = make_stamps(args.packages, args.out, dict(train=args.train, test=args.test), args.seed, args.any_version)
    for split, number in card['images'].items():
        print(f'{split}: {number:,} images in {args.out}/{split}')


if __name__ == '__main__':
    with plain_errors():
        main()
