"""Export a finished dataset in a layout that other libraries read, with a card (README.md) and checksums (hashes.json).

    python tools/export.py data/fashion_sim shared/fashion --layout imagefolder     # the library datasets, the Hugging Face hub
    python tools/export.py data/fashion_sim shared/fashion --layout webdataset      # tar files for streaming
    python tools/export.py data/fashion_sim shared/fashion --layout coco            # pycocotools, mmdet, FiftyOne, ...
    python tools/export.py data/fashion_sim shared/fashion --layout yolo            # ultralytics, instance segmentation
    python tools/export.py data/fashion_sim shared/fashion --layout fiftyone        # FiftyOne with masks and scores

The same dataset gives the same bytes. How each library reads its layout: docs/sharing.md. Upload: tools/push.py.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser, positive_int
from mmbdg.errors import plain_errors
from mmbdg.sharing import LAYOUTS, Options, export
from mmbdg.storage.stored import StoredDataset


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('dataset', help='folder of a finished dataset, in folders or shards')
    parser.add_argument('out', help='folder to write')
    parser.add_argument('--layout', required=True, choices=list(LAYOUTS), help='layout to write')
    parser.add_argument('--name', default='', help='title of the card; default: the name of the folder of the dataset')
    parser.add_argument('--licence', default='', help='licence of images and masks; default: that of the dataset')
    parser.add_argument('--selection', help='name of a selection of the dataset; only its samples are exported; default: all')
    parser.add_argument(
        '--min-pixels',
        type=positive_int,
        default=Options().min_pixels,
        help='coco, yolo: minimum pixels of an instance; default: %(default)s',
    )
    parser.add_argument(
        '--samples-per-shard', type=positive_int, default=Options().samples_per_shard, help='webdataset; default: %(default)s'
    )
    args = parser.parse_args()
    dataset = StoredDataset(args.dataset, args.selection)
    options = Options(args.min_pixels, args.samples_per_shard, progress=True)
    remarks = export(dataset, args.out, args.layout, args.name, args.licence, options)
    print('\n'.join([f'{len(dataset.lines)} samples in {args.out} ({args.layout})', *remarks]))


if __name__ == '__main__':
    with plain_errors():
        main()
