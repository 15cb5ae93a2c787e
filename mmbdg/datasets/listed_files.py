"""What the annotations of mmdet's and mmseg's datasets promise and the disk does not hold; labels that their classes do not have.

mmdet leaves out objects whose class it does not know, without a word; a training on half the objects looks like a bad backbone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import scandir
from pathlib import Path
from xml.etree import ElementTree

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS
from mmseg.datasets import BaseSegDataset
from tqdm import tqdm

from mmbdg.errors import InputError, listed

SHOWN = 5
"""Of each kind of problem so many examples are shown."""
THREADS = 8


def check_listed_files(config: dict, scope: str, what: str) -> list[str]:
    """Look up all that a dataset lists, before it is read for a training or a test.

    Knows VOC's files (``mmdet.XMLDataset``), COCO's (``mmdet.CocoDataset``) and pairs of images and label maps as ``mmseg.BaseSegDataset``
    lists them, within any wrapper; other datasets check themselves. No image is decoded; label maps are.

    Args:
        config: Of the dataset.
        scope: The config's ``default_scope``.
        what: E.g. "train_dataloader", for the messages.

    Returns:
        Sentences for the log: what is left out, and how many of it.

    Raises:
        InputError: A file is missing, a label is none of the classes. A config that names ``metainfo=dict(classes=...)`` itself chooses
            classes: objects of others are left out and reported then.
    """
    notes = []
    for leaf in leaves(config):
        kind = dataset_class(leaf, scope)
        if check := next((check for base, check in known_kinds() if issubclass(kind, base)), None):
            chosen = 'classes' in (leaf.get('metainfo') or {})
            notes += [f'{what}: {note}' for note in check(unread(leaf, kind), chosen)]
    return notes


def leaves(config: dict) -> Iterator[dict]:
    """The datasets within wrappers (``ConcatDataset``, ``RepeatDataset``, ...)."""
    inner = [*config.get('datasets', ()), *([config['dataset']] if 'dataset' in config else [])]
    if not inner:
        yield config
    for part in inner:
        yield from leaves(part)


def dataset_class(config: dict, scope: str) -> type:
    """What ``type`` means in this scope."""
    if isinstance(config['type'], type):
        return config['type']
    with DATASETS.switch_scope_and_registry(config.get('_scope_', scope)) as registry:
        return registry.get(config['type']) or object


def known_kinds() -> list:
    """Classes and their checks."""
    kinds = [(BaseSegDataset, label_map_notes)]
    try:
        from mmdet.datasets import CocoDataset, XMLDataset
    except ImportError:  # without mmdet no config names them
        return kinds
    return [(XMLDataset, voc_notes), (CocoDataset, coco_notes), *kinds]


def unread(config: dict, kind: type) -> BaseDataset:
    """The dataset with its paths and classes, and nothing read."""
    arguments = {key: value for key, value in config.items() if key not in ('type', '_scope_')}
    try:
        return kind(**arguments | dict(pipeline=[], lazy_init=True))
    except AssertionError as error:  # mmseg.PascalVOCDataset looks for its files at once
        raise InputError(f'{config.get("data_root", "")}: {config.get("ann_file")} or the folder of the images is missing') from error


def voc_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Each listed image has its picture and its XML; each object's name is a class.

    Args:
        dataset: ``mmdet.XMLDataset``, unread.
        chosen: The config itself names the classes.
    """
    root, classes = Path(dataset.sub_data_root), set(dataset.metainfo['classes'])
    names = lines_of(dataset.ann_file)
    refuse(missing(root / dataset.img_subdir / f'{name}.jpg' for name in names), f'images that {dataset.ann_file} lists are missing')
    xml = [root / dataset.ann_subdir / f'{name}.xml' for name in names]
    refuse(missing(xml), f'annotations of images that {dataset.ann_file} lists are missing')
    objects = [(path, entry.findtext('name')) for path in xml for entry in ElementTree.parse(path).getroot().iter('object')]
    foreign = [f'{path}: "{name}"' for path, name in objects if name not in classes]
    if not chosen:
        refuse(foreign, f'objects of classes that {type(dataset).__name__} does not have')
    empty = len(set(xml) - {path for path, _ in objects})
    return left_out(dataset, dataset.ann_file, len(names), empty, len(foreign))


def coco_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Each listed image is there, each annotation is of a listed image and of a class, and each class is a category.

    Args:
        dataset: ``mmdet.CocoDataset``, unread.
        chosen: The config itself names the classes.
    """
    path, classes = Path(dataset.ann_file), dataset.metainfo['classes']
    if not path.is_file():
        raise InputError(f'the annotation file {path} is missing')
    content = json.loads(path.read_text(encoding='utf-8'))
    if absent := [key for key in ('images', 'annotations', 'categories') if key not in content]:
        raise InputError(f'{path} is no COCO file of instances: it has no "{absent[0]}"')
    images = {image['id']: Path(dataset.data_prefix['img']) / image['file_name'] for image in content['images']}
    refuse(missing(images.values()), f'images that {path} lists are missing')
    names = {category['id']: category['name'] for category in content['categories']}
    refuse([f'"{name}"' for name in classes if name not in names.values()], f'classes that {path} has no category for')
    annotations = content['annotations']
    stray = [f'annotation {entry["id"]}' for entry in annotations if entry['image_id'] not in images]
    refuse(stray, f'{path} has annotations of images that it does not list')
    foreign = Counter(names.get(entry['category_id'], entry['category_id']) for entry in annotations)
    foreign = {name: count for name, count in foreign.items() if name not in classes}
    if not chosen:
        refuse(
            [f'"{name}" ({count} annotations)' for name, count in foreign.items()],
            f'{path} has annotations of categories that are none of the classes',
        )
    empty = len(images.keys() - {entry['image_id'] for entry in annotations})
    notes = left_out(dataset, path, len(images), empty, sum(foreign.values()))
    if dataset.test_mode and any(entry.get('id') == 0 for entry in annotations):  # mmdet's converter of Cityscapes begins there
        notes.append(f'{path}: one annotation has id 0, which pycocotools never counts as found; number them from 1')
    return notes


def label_map_notes(dataset: BaseDataset, chosen: bool) -> list[str]:
    """Each image has its picture and its label map, whose values are classes or do not count.

    Args:
        dataset: ``mmseg.BaseSegDataset``, unread; a subclass that lists its files in its own way is left alone.
        chosen: The config itself names the classes.
    """
    classes = type(dataset).METAINFO.get('classes') or dataset.metainfo.get('classes')
    if type(dataset).load_data_list is not BaseSegDataset.load_data_list or not classes:
        return []
    if dataset.ann_file:
        lines_of(dataset.ann_file)
    elif not Path(dataset.data_prefix['img_path']).is_dir():
        raise InputError(f'the folder of the images, {dataset.data_prefix["img_path"]}, is missing')
    pairs = dataset.load_data_list()
    if not pairs:
        raise InputError(f'{dataset.data_prefix["img_path"]} holds no images (*{dataset.img_suffix})')
    source = dataset.ann_file or dataset.data_prefix['img_path']
    refuse(missing(pair['img_path'] for pair in pairs), f'images that {source} lists are missing')
    maps = [pair['seg_map_path'] for pair in pairs if 'seg_map_path' in pair]
    refuse(missing(maps), f'label maps of images of {source} are missing')
    labels = len(classes) + bool(dataset.reduce_zero_label)
    allowed = {*range(labels), dataset.ignore_index}
    with ThreadPoolExecutor(THREADS) as pool:
        values = list(tqdm(pool.map(values_of, maps), total=len(maps), desc=f'labels of {source}', leave=False))
    wrong = [f'{path}: {sorted(found - allowed)[:SHOWN]}' for path, found in zip(maps, values, strict=True) if found - allowed]
    refuse(wrong, f'labels that are none of the {labels} classes (0 to {labels - 1}; {dataset.ignore_index} does not count)')
    return []


def values_of(path: str) -> set[int]:
    """Values of the pixels of a label map, one channel of 8 bits (also of a palette)."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            counts = image.histogram()
    except OSError as error:
        raise InputError(f'{path} is no picture, or is cut off ({error})') from error
    if len(counts) != 256:
        raise InputError(f'{path} has {len(counts) // 256} channels; a label map has one, whose values are the labels')
    return {value for value, count in enumerate(counts) if count}


def lines_of(path: str) -> list[str]:
    """Of a list of images."""
    if not Path(path).is_file():
        raise InputError(f'the annotation file {path} is missing')
    lines = [line.strip() for line in Path(path).read_text(encoding='utf-8').splitlines()]
    if not any(lines):
        raise InputError(f'{path} lists no images')
    return [line for line in lines if line]


def missing(paths: Iterable[str | Path]) -> list[str]:
    """Those that are no files; each folder is read once."""
    folders: dict[Path, set[str]] = {}
    found = []
    for path in map(Path, paths):
        if path.parent not in folders:
            folders[path.parent] = {entry.name for entry in scandir(path.parent)} if path.parent.is_dir() else set()
        if path.name not in folders[path.parent]:
            found.append(str(path))
    return found


def refuse(problems: list[str], what: str) -> None:
    """
    Raises:
        InputError: There are problems.
    """
    if problems:
        raise InputError(f'{what} ({len(problems)}):\n  {listed(problems, SHOWN)}')


def left_out(dataset: BaseDataset, source: str | Path, images: int, empty: int, foreign: int) -> list[str]:
    """Sentences about what a training leaves out."""
    skipped = not dataset.test_mode and (dataset.filter_cfg or {}).get('filter_empty_gt')
    notes = [f'{source}: {empty} of {images} images have no annotation and are skipped'] if empty and skipped else []
    return notes + ([f'{source}: {foreign} objects are of classes that the config leaves out'] if foreign else [])
