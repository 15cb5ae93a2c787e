"""Convert the masks of a synthetic dataset to COCO instances, one for each connected component.

    python tools/dataset_converters/synthetic_to_coco.py data/biggan_sim data/biggan_sim_coco.json
    python tools/dataset_converters/synthetic_to_coco.py SRC DST.json --min-pixels 100

The categories are the generator's classes if the masks have the labels foreground and background, otherwise the labels of the masks.
Ignored pixels belong to no instance. File names of images are relative to SRC.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.analysis.statistics.mask_columns import MIN_PIXELS
from mmbdg.arguments import Parser, positive_int
from mmbdg.converters.coco_instances import write_coco
from mmbdg.errors import plain_errors
from mmbdg.storage.stored import StoredDataset


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('src', help='folder of a finished dataset, in folders or shards')
    parser.add_argument('dst', help='JSON file to write')
    parser.add_argument(
        '--min-pixels', type=positive_int, default=MIN_PIXELS, help='minimum size of an instance in pixels; default: %(default)s'
    )
    parser.add_argument('--selection', help='name of a selection of the dataset; only its samples are converted; default: all')
    args = parser.parse_args()
    dataset = StoredDataset(args.src, args.selection)
    counts = write_coco(dataset, args.dst, args.min_pixels, progress=True)
    print(f'{counts.images} images, {counts.instances} instances of {len(counts.by_category)} categories in {args.dst}')
    print(f'{counts.small} components below {args.min_pixels} pixels left out; {counts.empty_images} images have no instance')
    if counts.ignored_pixels:
        print(f'{counts.ignored_pixels} pixels are ignored and belong to no instance')
    if dataset.info.get('format') == 'shards':
        chosen = f' --selection {args.selection}' if args.selection else ''
        command = f'python tools/dataset_converters/shards_to_folders.py {args.src} FOLDER{chosen}'
        print(f'File names are those of the folder format; to make it: {command}')


if __name__ == '__main__':
    with plain_errors():
        main()
