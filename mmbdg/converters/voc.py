"""Checks PASCAL VOC 2007 and 2012, and converts the masks of SBD for ``train_aug2012``."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmseg.datasets import PascalVOCDataset

from mmbdg.converters.checking import count_problems, missing_files, read_names, refuse
from mmbdg.converters.mm_converters import mm_converter
from mmbdg.datasets.listed_objects import names_of_objects
from mmbdg.errors import InputError
from mmbdg.files import write_atomically

HOW = (
    'host.robots.ox.ac.uk/pascal/VOC: VOCtrainval_06-Nov-2007.tar, VOCtest_06-Nov-2007.tar and VOCtrainval_11-May-2012.tar, all unpacked '
    'into one folder with VOCdevkit/VOC2007 and VOCdevkit/VOC2012 (images: terms of Flickr)'
)
HOW_SBD = (
    'SBD (Hariharan et al. 2011): benchmark.tgz from www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours, '
    'with its folder benchmark_RELEASE moved to VOCdevkit/VOCaug'
)
CLASSES = PascalVOCDataset.METAINFO['classes'][1:]  # without background


@dataclass(frozen=True)
class Listed:
    """A list of images, its number of images, and the folder and suffix of their annotations."""

    year: str
    path: str
    count: int
    annotations: tuple[str, str]

    @property
    def name(self) -> str:
        return f'{self.year} {self.path}'


BOXES, MASKS = ('Annotations', '.xml'), ('SegmentationClass', '.png')
LISTS = (
    Listed('VOC2007', 'Main/trainval', 5_011, BOXES),
    Listed('VOC2007', 'Main/test', 4_952, BOXES),
    Listed('VOC2012', 'Main/trainval', 11_540, BOXES),
    Listed('VOC2012', 'Segmentation/train', 1_464, MASKS),
    Listed('VOC2012', 'Segmentation/val', 1_449, MASKS),
)
AUGMENTED = 10_582


def check_voc(devkit: str | os.PathLike, lists: Sequence[Listed] = LISTS) -> dict[str, int]:
    """Check that every listed image has its image file and its annotation, and that all objects belong to the 20 classes.

    Args:
        devkit: Folder with ``VOC2007`` and ``VOC2012``.
        lists: Lists to check. Default: :data:`LISTS`.

    Returns:
        Number of images of each list.

    Raises:
        InputError: Files are missing or wrong. The message lists the problems and says how to get the dataset.
    """
    devkit, problems = Path(devkit), []
    for wanted in lists:
        root = devkit / wanted.year
        try:
            names = read_names(root / 'ImageSets' / f'{wanted.path}.txt')
        except InputError as error:
            problems.append(str(error))
            continue
        folder, suffix = wanted.annotations
        absent = list(missing_files(names, root / folder, suffix))
        problems += count_problems(wanted.name, len(names), wanted.count)
        problems += missing_files(names, root / 'JPEGImages', '.jpg')
        problems += absent
        if wanted.annotations == BOXES and not absent:
            problems += _box_problems(root / folder, names)
    refuse(devkit, problems, HOW)
    return {wanted.name: wanted.count for wanted in lists}


def _box_problems(folder: Path, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            objects = names_of_objects(folder / f'{name}.xml')
        except InputError as error:
            yield str(error)
            continue
        if foreign := sorted(set(objects) - set(CLASSES)):
            yield f'{folder / name}.xml has an object of the class "{foreign[0]}", which is not one of the 20 classes'


def augment_voc(
    devkit: str | os.PathLike, sbd: str | os.PathLike | None = None, augmented: int = AUGMENTED, lists: Sequence[Listed] = LISTS
) -> dict[str, int]:
    """Write ``VOC2012/SegmentationClassAug/*.png`` from SBD, and the lists ``trainaug.txt`` and ``aug.txt``, for mmseg's configs.

    The ``.mat`` reader and the rule for the lists are those of mmseg's ``voc_aug.py``. That script writes all files again on each call, and
    its lists have no fixed order. This function writes only missing masks, each atomically. The lists are sorted and written last.

    Args:
        devkit: Folder with ``VOC2012``.
        sbd: Folder with ``dataset/cls/*.mat``. Default: ``VOCaug`` in the devkit.
        augmented: Number of images of ``train_aug2012``. Default: 10,582.
        lists: Lists as in :func:`check_voc`; only the two segmentation lists are used. Default: :data:`LISTS`.

    Returns:
        Number of images of each list and of newly written masks (``made_now``).

    Raises:
        InputError: Files are missing or wrong. The message lists the problems and says how to get the dataset.
    """
    from tqdm import tqdm

    devkit = Path(devkit)
    sbd = Path(sbd) if sbd else devkit / 'VOCaug'
    segmentation = [wanted for wanted in lists if wanted.annotations == MASKS]
    check_voc(devkit, segmentation)
    train, val = (read_names(devkit / wanted.year / 'ImageSets' / f'{wanted.path}.txt') for wanted in segmentation)
    refuse(sbd, [f'{path} is missing' for name in ('train', 'val') if not (path := sbd / 'dataset' / f'{name}.txt').is_file()], HOW_SBD)
    of_sbd = [name for part in ('train', 'val') for name in read_names(sbd / 'dataset' / f'{part}.txt')]
    converter = mm_converter('mmseg', 'voc_aug')
    trainaug = sorted(converter.generate_aug_list(train + of_sbd, val))
    aug = sorted(converter.generate_aug_list(of_sbd, train + val))
    mats, root = sbd / 'dataset' / 'cls', devkit / 'VOC2012'
    problems = [*count_problems('images of train_aug2012', len(trainaug), augmented), *missing_files(of_sbd, mats, '.mat')]
    problems += missing_files(aug, root / 'JPEGImages', '.jpg')
    refuse(sbd, problems, HOW_SBD)
    masks = root / 'SegmentationClassAug'
    masks.mkdir(exist_ok=True)
    missing = [name for name in sorted(set(of_sbd)) if not (masks / f'{name}.png').is_file()]
    with tempfile.TemporaryDirectory(dir=root) as part:
        for name in tqdm(missing, desc='SBD masks', unit='mask', disable=None):
            _convert(converter, f'{name}.mat', mats, Path(part))
            (Path(part) / f'{name}.png').replace(masks / f'{name}.png')
    for name, members in dict(trainaug=trainaug, aug=aug).items():
        text = ''.join(f'{member}\n' for member in members)
        write_atomically(root / 'ImageSets' / 'Segmentation' / f'{name}.txt', lambda p, text=text: p.write_text(text, encoding='utf-8'))
    return dict(trainaug=len(trainaug), aug=len(aug), made_now=len(missing))


def _convert(converter: object, mat: str, mats: Path, out: Path) -> None:
    try:
        converter.convert_mat(mat, str(mats), str(out))
    except Exception as error:  # scipy raises many types of errors for a damaged file
        raise InputError(f'{mats / mat} is cut off or no mask of SBD: unpack it again ({error})') from error
