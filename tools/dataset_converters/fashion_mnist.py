"""Make the embedded subset of Fashion-MNIST from the full set.

python tools/dataset_converters/fashion_mnist.py mmbdg/assets/fashion32/images.npz
"""

from mmbdg.arguments import Parser, positive_int
from mmbdg.datasets.fashion_files import FULL_ROOTS, write_subset
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', help='.npz file to write')
    parser.add_argument('--root', help=f'folder of the full set; default: the first of {", ".join(FULL_ROOTS)} that exists')
    parser.add_argument('--train-per-class', type=positive_int, default=1000, help='training images per class; default: 1000')
    parser.add_argument('--test-per-class', type=positive_int, default=100, help='test images per class; default: 100')
    args = parser.parse_args()
    write_subset(args.out, args.root, dict(train=args.train_per_class, test=args.test_per_class))
    print(f'wrote {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
