"""Write a pool for retrieval: the embedded garments as images with captions, a known part of which is wrong.

python tools/dataset_converters/garment_pool.py data/garment_pool
python tools/dataset_converters/garment_pool.py data/garment_pool --wrong 0.4 --seed 1 --source full
python tools/dataset_converters/garment_pool.py data/colour_pool --colour

truth.csv, beside the images and captions.csv, has the true class of each image and the class that its caption names.
"""

from mmbdg.arguments import Parser, fraction, natural_int
from mmbdg.converters.garment_pool import write_garment_pool
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', help='folder to write')
    parser.add_argument('--wrong', type=fraction, default=0.2, help='part of the captions that name another class; default: 0.2')
    parser.add_argument('--seed', type=natural_int, default=0, help='seed of the captions')
    parser.add_argument('--colour', action='store_true', help='the garments in colour instead of the grey ones')
    parser.add_argument('--source', default='embedded', help='"embedded" (10,000 images), "full" (60,000) or the folder of the full set')
    args = parser.parse_args()
    number = write_garment_pool(args.out, args.source, args.wrong, args.seed, args.colour)
    print(f'{number:,} images with captions in {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
