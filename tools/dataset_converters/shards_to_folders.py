"""Convert a synthetic dataset in shards to the same dataset in folders, which OpenMMLab reads without mmbdg.

python tools/dataset_converters/shards_to_folders.py data/biggan_sim_shards data/biggan_sim
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser
from mmbdg.errors import plain_errors
from mmbdg.storage.stored import StoredDataset
from mmbdg.storage.unpacked import unpack_shards


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('src', help='folder of a finished dataset in shards')
    parser.add_argument('dst', help='folder to write')
    parser.add_argument('--selection', help='name of a selection of the dataset; only its samples are converted; default: all')
    args = parser.parse_args()
    dataset = StoredDataset(args.src, args.selection)
    unpack_shards(dataset, args.dst, progress=True)
    what = 'labelled images' if dataset.catalogue.has_masks else 'images without masks'
    print(f'{len(dataset.lines)} {what} in {args.dst}')


if __name__ == '__main__':
    with plain_errors():
        main()
