"""The four unpacked sets: finds the masks of each radiograph and reports missing files."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mmbdg.errors import InputError, listed
from mmbdg.listing import list_files

PICTURES = ('.png', '.jpg', '.jpeg', '.gif', '.bmp', '.tif', '.tiff')


@dataclass(frozen=True)
class Case:
    """One radiograph and its masks. The union of the masks is the lungs."""

    set: str
    name: str
    image: Path
    masks: tuple[Path, ...]

    @property
    def id(self) -> str:
        """Name of the set and name of the case in the archive, e.g. montgomery_MCUCXR_0001_0."""
        return f'{self.set}_{self.name}'


@dataclass(frozen=True)
class Archive:
    """One of the sets.

    Args:
        set: Name of the set: its folder below the root, and the prefix of the ids of its cases.
        count: Number of radiographs with lung masks in the complete set.
        how: Instructions: where to get the set, and where to put it.
        find: Function that returns the radiographs by name, and for each kind of mask the masks by name.
        spare_images: Whether the set contains radiographs without a mask. Default: False.
    """

    set: str
    count: int
    how: str
    find: Callable[[Path], tuple[dict[str, list[Path]], dict[str, dict[str, list[Path]]]]]
    spare_images: bool = False

    def cases(self, root: Path) -> list[Case]:
        """All cases, by name.

        Raises:
            InputError: A radiograph has no mask, a mask has no radiograph, a name is not unique, or the number of cases is wrong. The
                message lists all problems.
        """
        images, masks = self.find(root / self.set)
        problems = list(self._problems(images, masks))
        names = sorted(set(images).intersection(*masks.values()))
        if len(names) != self.count:
            problems.append(f'{len(names)} radiographs with masks instead of {self.count}')
        if problems:
            raise InputError(f'{root / self.set} is incomplete; nothing was written:\n  {listed(problems)}\nhow to get it: {self.how}')
        return [Case(self.set, name, images[name][0], tuple(kind[name][0] for kind in masks.values())) for name in names]

    def _problems(self, images: dict[str, list[Path]], masks: dict[str, dict[str, list[Path]]]) -> Iterator[str]:
        masked = set().union(*masks.values())
        for name in sorted(images.keys() | masked):
            missing = [kind for kind in masks if name not in masks[kind]]
            if name not in images:
                yield f'{next(kind[name][0] for kind in masks.values() if name in kind)} has no radiograph'
            elif missing and not self.spare_images:
                yield f'{images[name][0]} has no {" and no ".join(missing)}'
            for paths in (images.get(name, []), *(kind.get(name, []) for kind in masks.values())):
                if len(paths) > 1:
                    yield f'{name} exists twice: {paths[0]} and {paths[1]}'


def _files(root: Path, suffixes: tuple[str, ...] = PICTURES) -> list[Path]:
    """Files with one of the suffixes. ``._NAME`` files of archives packed on a Mac are omitted. Other files are not reported."""
    return list_files(root, suffixes).files if root.is_dir() else []


def _by_name(paths: list[Path], pattern: str) -> dict[str, list[Path]]:
    """Paths whose stem matches the pattern, by its first group."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        if match := re.fullmatch(pattern, path.stem):
            found.setdefault(match[1], []).append(path)
    return found


def _in(paths: list[Path], folder: str) -> list[Path]:
    return [path for path in paths if path.parent.name.lower() == folder.lower()]


def _outside_masks(paths: list[Path], root: Path) -> list[Path]:
    """Paths that are in no folder with "mask" in its name."""
    return [path for path in paths if not any('mask' in part.lower() for part in path.relative_to(root).parent.parts)]


def find_jsrt(root: Path) -> tuple[dict[str, list[Path]], dict[str, dict[str, list[Path]]]]:
    """``*.IMG`` of JSRT (if there are none: images with the same names), and the lungs from SCR's masks of five organs."""
    names = r'(JPC(?:LN|NN)\d{3})'
    raw = _by_name(_files(root, ('.img',)), names)
    scr = [path for path in _files(root, ('.gif',)) if path.parent.parent.name == 'masks']
    masks = {f'mask of the {lung}': _by_name(_in(scr, lung), names) for lung in ('left lung', 'right lung')}
    return raw or _by_name([path for path in _files(root) if path.suffix.lower() != '.gif'], names), masks


def find_montgomery(root: Path) -> tuple[dict[str, list[Path]], dict[str, dict[str, list[Path]]]]:
    """Images in ``CXR_png``; masks with the same names in ``ManualMask/leftMask`` and ``ManualMask/rightMask``."""
    files, names = _files(root), r'(MCUCXR_\d{4}_[01])'
    masks = {f'mask in {folder}': _by_name(_in(files, folder), names) for folder in ('leftMask', 'rightMask')}
    return _by_name(_in(files, 'CXR_png'), names), masks


def find_shenzhen(root: Path) -> tuple[dict[str, list[Path]], dict[str, dict[str, list[Path]]]]:
    """Images in NLM's ``CXR_png``; masks ``*_mask.png`` of Stirenko et al. in any folder."""
    files, names = _files(root), r'(CHNCXR_\d{4}_[01])'
    return _by_name(_in(files, 'CXR_png'), names), {'mask': _by_name(files, names + '_mask')}


def find_nih(root: Path) -> tuple[dict[str, list[Path]], dict[str, dict[str, list[Path]]]]:
    """Images, and masks in a folder with "mask" in its name. A mask has the name of its image, with or without ``_mask`` at the end."""
    files = _files(root)
    images = _outside_masks(files, root)
    masks = [path for path in files if path not in set(images)]
    return _by_name(images, '(.+)'), {'mask': _by_name(masks, r'(.+?)(?:_mask)?')}


ARCHIVES = (
    Archive(
        'jsrt',
        247,
        'radiographs: All247images.zip of the Japanese Society of Radiological Technology (db.jsrt.or.jp/eng.php, free after registration; '
        'cite Shiraishi et al. 2000). Masks: SCR database of Utrecht, scr.zip (van Ginneken et al. 2006; for research and education, no '
        'redistribution, no commercial use). Unpack both into ROOT/jsrt: All247images/*.IMG, scratch/fold1/masks, scratch/fold2/masks',
        find_jsrt,
    ),
    Archive(
        'montgomery',
        138,
        'NLM-MontgomeryCXRSet.zip of the U.S. National Library of Medicine (openi.nlm.nih.gov/imgs/collections/NLM-MontgomeryCXRSet.zip; '
        'cite Jaeger et al. 2014, Candemir et al. 2014). Unpack into ROOT/montgomery: MontgomerySet/CXR_png, '
        'MontgomerySet/ManualMask/leftMask, .../rightMask',
        find_montgomery,
    ),
    Archive(
        'shenzhen',
        566,
        'radiographs: ChinaSet_AllFiles.zip of the U.S. National Library of Medicine '
        '(openi.nlm.nih.gov/imgs/collections/ChinaSet_AllFiles.zip; cite Jaeger et al. 2014). Masks: the 566 of Stirenko et al. 2018 '
        '(kaggle.com/datasets/yoctoman/shcxr-lung-mask). Unpack both into ROOT/shenzhen: ChinaSet_AllFiles/CXR_png, mask/*_mask.png',
        find_shenzhen,
        spare_images=True,
    ),
    Archive(
        'nih',
        100,
        '100 radiographs of NIH ChestX-ray14 with the lung masks of Tang et al. 2019 (XLSor), the part of annotated NIH images in '
        'nihcc.box.com/s/r8kf5xcthjvvvf6r7l1an99e1nj4080m (cite Tang et al. 2019, Wang et al. 2017). The counts suggest '
        'that these are the "NIH" images of the paper. Put them into ROOT/nih: images/NAME.png and masks/NAME.png or masks/NAME_mask.png',
        find_nih,
    ),
)
