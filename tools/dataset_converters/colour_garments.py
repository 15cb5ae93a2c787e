"""Write the garments in colour as folders of images and masks (docs/colour_garments.md).

python tools/dataset_converters/colour_garments.py data/colour_fifty --label-fraction 0.005      # 50 images with masks, five a class
python tools/dataset_converters/colour_garments.py data/colour_images --no-masks                 # all 10,000 training images

The first is for tools/annotate.py encode and for configs/interpreter/real_colour.py, the second for a source of real images.
"""

import argparse

from mmbdg.arguments import Parser, natural_int, positive_fraction
from mmbdg.converters.colour_garments import write_colour_garments
from mmbdg.errors import plain_errors


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', help='folder to write: images/<class>/*.png and masks/<class>/*.png')
    parser.add_argument('--split', choices=('train', 'test'), default='train', help='split of the photos; default: train')
    parser.add_argument('--label-fraction', type=positive_fraction, default=1.0, help='fraction of the images of each class; default: 1')
    parser.add_argument('--label-seed', type=natural_int, default=0, help='seed of the choice of these images; default: 0')
    parser.add_argument('--masks', action=argparse.BooleanOptionalAction, default=True, help='write masks; default: yes')
    args = parser.parse_args()
    number = write_colour_garments(args.out, args.split, args.label_fraction, args.label_seed, args.masks)
    print(f'{number:,} images in {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
