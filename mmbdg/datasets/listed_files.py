"""What the annotations of mmdet's and mmseg's datasets promise and the disk does not hold; labels that their classes do not have.

mmdet leaves out objects whose class it does not know, without a word; a training on half the objects looks like a bad backbone.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS
from mmseg.datasets import BaseSegDataset
from tqdm import tqdm

from mmbdg.datasets.listed_objects import coco_notes, voc_notes
from mmbdg.datasets.loading import step_of
from mmbdg.datasets.looking_up import SHOWN, lines_of, missing, refuse
from mmbdg.datasets.mask_labels import MaskLabels, labels_of
from mmbdg.errors import InputError
from mmbdg.parts import parts_of


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
        InputError: A file is missing, a label is none of the classes, or one of the classes is in no label map of the whole dataset, if its
            ``metainfo`` does not say ``allow_missing_labels=True``. A config that names ``metainfo=dict(classes=...)`` itself chooses
            classes: objects of others are left out and reported then. A test that would leave out broken images.
    """
    notes, maps = [], {}
    for leaf in leaves(config):
        kind = dataset_class(leaf, scope)
        check_no_skipping(leaf, what)
        if issubclass(kind, BaseSegDataset):
            if kind.load_data_list is not BaseSegDataset.load_data_list:
                continue  # it lists its files in its own way, and checks itself
            dataset = unread(leaf, kind)
            if found := label_maps(dataset, leaf.get('pipeline') or (), leaf.get('_scope_', scope)):
                maps.setdefault(tuple(dataset.metainfo['classes']), []).append((dataset, found))
        elif check := next((check for base, check in object_kinds() if issubclass(kind, base)), None):
            chosen = 'classes' in (leaf.get('metainfo') or {})
            notes += [f'{what}: {note}' for note in check(unread(leaf, kind), chosen)]
    for classes, parts in maps.items():
        check_all_labels(classes, parts)
    return notes


def leaves(config: dict) -> Iterator[dict]:
    """The datasets within wrappers (``ConcatDataset``, ``RepeatDataset``, ``mmbdg.JointDataset``, ...)."""
    inner = [*config.get('datasets', ()), *([config['dataset']] if isinstance(config.get('dataset'), dict) else ())]
    inner += parts_of(config).values()
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


def check_no_skipping(config: dict, what: str) -> None:
    """A test on fewer images than are listed is another test.

    Raises:
        InputError: A pipeline of a test takes other images in the place of broken ones.
    """
    step = step_of(config.get('pipeline'), 'LoadImage')
    if config.get('test_mode') and isinstance(step, dict) and step.get('skip_broken'):
        raise InputError(f'{what} measures on what its dataset lists: take skip_broken out of its mmbdg.LoadImage, and mend the images')


def object_kinds() -> list:
    """Classes of datasets of objects, and their checks."""
    try:
        from mmdet.datasets import CocoDataset, XMLDataset
    except ImportError:  # without mmdet no config names them
        return []
    return [(XMLDataset, voc_notes), (CocoDataset, coco_notes)]


def unread(config: dict, kind: type) -> BaseDataset:
    """The dataset with its paths and classes, and nothing read."""
    arguments = {key: value for key, value in config.items() if key not in ('type', '_scope_')}
    try:
        return kind(**arguments | dict(pipeline=[], lazy_init=True))
    except AssertionError as error:  # mmseg.PascalVOCDataset looks for its files at once
        raise InputError(f'{config.get("data_root", "")}: {config.get("ann_file")} or the folder of the images is missing') from error


def label_maps(dataset: BaseDataset, pipeline: list, scope: str) -> MaskLabels | None:
    """Each image has its picture and its label map, whose values are classes or do not count.

    Args:
        dataset: ``mmseg.BaseSegDataset``, unread.
        pipeline: Of its config.
        scope: Of types without one.

    Returns:
        What the label maps hold; None if the dataset names no classes.

    Raises:
        InputError: They are missing, or hold other values.
    """
    classes = dataset.metainfo.get('classes')
    if not classes:
        return None
    if dataset.ann_file:
        lines_of(dataset.ann_file)
    elif not Path(dataset.data_prefix['img_path']).is_dir():
        raise InputError(f'the folder of the images, {dataset.data_prefix["img_path"]}, is missing')
    pairs = dataset.load_data_list()
    if not pairs:
        raise InputError(f'{dataset.data_prefix["img_path"]} holds no images (*{dataset.img_suffix})')
    source = dataset.ann_file or dataset.data_prefix['img_path']
    refuse(missing(pair['img_path'] for pair in pairs), f'images that {source} lists are missing or empty')
    maps = [pair['seg_map_path'] for pair in pairs if 'seg_map_path' in pair]
    refuse(missing(maps), f'label maps of images of {source} are missing or empty')
    bar = partial(tqdm, total=len(maps), desc=f'labels of {source}', leave=False)
    items = [pair | dict(ignore_index=dataset.ignore_index) for pair in pairs if 'seg_map_path' in pair]
    found = labels_of(items, pipeline, len(classes), dataset.ignore_index, scope, progress=bar)
    refuse(found.problems, f'label maps of {source} are not as they should be')
    return found


def check_all_labels(classes: tuple[str, ...], parts: list[tuple[BaseDataset, MaskLabels]]) -> None:
    """Each of the classes is in one of the label maps that are trained or tested on together.

    Args:
        classes: Names.
        parts: Datasets and what their label maps hold.

    Raises:
        InputError: One is in none.
    """
    if any(dataset.metainfo.get('allow_missing_labels') for dataset, _ in parts):
        return
    all_maps = MaskLabels()
    for _, found in parts:
        all_maps.masks += found.masks
        all_maps.stored.update(found.stored)
        all_maps.becomes |= found.becomes
    text = all_maps.missing_text(
        classes,
        parts[0][0].ignore_index,
        ' and '.join(str(dataset.ann_file or dataset.data_prefix['seg_map_path']) for dataset, _ in parts[:SHOWN]),
        "dict(type='mmbdg.LoadMask', label_map={}) in the pipeline",
        'allow_missing_labels=True in metainfo of the dataset',
    )
    if text:
        raise InputError(text)
