"""Convert the images of a synthetic dataset to an image folder for classification, DST/<class>/<id>.png.

    python tools/dataset_converters/synthetic_to_image_folder.py data/biggan_sim data/biggan_sim_folder
    python tools/dataset_converters/synthetic_to_image_folder.py SRC DST --link      # links instead of copies

The name of a class folder is its wnid, or its slug if it has no wnid. torchvision and mmpretrain number the classes in the alphabetical
order of these names.
"""

import mmbdg  # noqa: F401  installs what OpenMMLab lacks
from mmbdg.arguments import Parser
from mmbdg.errors import plain_errors
from mmbdg.storage.stored import StoredDataset
from mmbdg.storage.unpacked import write_image_folder


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('src', help='folder of a finished dataset, in folders or shards')
    parser.add_argument('dst', help='folder to write')
    parser.add_argument('--link', action='store_true', help='make relative symbolic links instead of copies')
    parser.add_argument('--selection', help='name of a selection of the dataset; only its samples are converted; default: all')
    args = parser.parse_args()
    dataset = StoredDataset(args.src, args.selection)
    write_image_folder(dataset, args.dst, args.link, progress=True)
    print(f'{len(dataset.lines)} images of {sum(count > 0 for count in dataset.info["counts"].values())} classes in {args.dst}')


if __name__ == '__main__':
    with plain_errors():
        main()
