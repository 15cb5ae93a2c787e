"""Write the wnids of the 200 classes of ImageNet-R and of ImageNet-A, from the lists that timm carries (Apache-2.0).

    pip install timm
    python tools/dataset_converters/imagenet_subsets.py mmbdg/assets/in1k_subsets

Two files are written to OUT: subsets.json (name of the set: wnids, in the order of the class indices) and cards.json.
"""

from pathlib import Path

from mmbdg.arguments import Parser
from mmbdg.assets import resolve
from mmbdg.assets.class_lists import IN1K, folder_names
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import sha256, write_json
from mmbdg.reading import read_lines

LISTS = {
    'imagenet-a': 'package://timm/data/_info/imagenet_a_synsets.txt',
    'imagenet-r': 'package://timm/data/_info/imagenet_r_synsets.txt',
}
NUM_CLASSES = 200


def read_subset(path: Path) -> list[str]:
    """Wnids of a list, one a line, in the order of ImageNet's class indices.

    Raises:
        InputError: The list is not one of 200 different ImageNet classes.
    """
    wnids, known = read_lines(path), folder_names(IN1K)
    if len(set(wnids)) != len(wnids) or len(wnids) != NUM_CLASSES or not set(wnids) <= set(known):
        raise InputError(f'{path} must list the wnids of {NUM_CLASSES} different ImageNet classes, one a line')
    return sorted(wnids, key=known.index)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', type=Path, help='folder to write')
    args = parser.parse_args()
    subsets = {name: read_subset(Path(resolve(path))) for name, path in LISTS.items()}
    write_json(args.out / 'subsets.json', subsets)
    card = dict(
        what='wnids of the classes of ImageNet-R and of ImageNet-A, 200 each',
        command='python tools/dataset_converters/imagenet_subsets.py mmbdg/assets/in1k_subsets',
        data='timm 1.0.31 (PyPI): data/_info/imagenet_{a,r}_synsets.txt',
        licence='Apache-2.0, (c) 2019 Ross Wightman; see NOTICE',
        sha256=sha256(args.out / 'subsets.json'),
    )
    write_json(args.out / 'cards.json', {'subsets.json': card})
    print(f'wrote {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
