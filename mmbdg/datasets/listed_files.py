"""Checks of the annotations of mmdet's and mmseg's datasets: missing files and unknown labels.

mmdet silently skips objects of unknown classes; a training on half of the objects then looks like a bad backbone.
"""

import sys
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
    """Check all files that a dataset lists, before a training or test reads it.

    Supported are VOC (``mmdet.XMLDataset``), COCO (``mmdet.CocoDataset``) and pairs of images and label maps (``mmseg.BaseSegDataset``),
    inside any wrapper; other datasets check themselves. Label maps are decoded, images are not.

    Args:
        config: Config of the dataset.
        scope: The config's ``default_scope``.
        what: Name of the data loader for the messages, e.g. "train_dataloader".

    Returns:
        Sentences for the log: what is skipped, and how many of it.

    Raises:
        InputError: A file is missing; a label is not one of the classes; a class is in no label map of the whole dataset, unless its
            ``metainfo`` has ``allow_missing_labels=True``; or a test would skip broken images. If the config itself sets
            ``metainfo=dict(classes=...)``, objects of other classes are skipped and reported, which is no error.
    """
    notes, maps = [], {}
    for leaf in leaves(config):
        kind = dataset_class(leaf, scope)
        check_no_skipping(leaf, what)
        if issubclass(kind, BaseSegDataset):
            if kind.load_data_list is not BaseSegDataset.load_data_list:
                continue  # it has its own file list and its own checks
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
    """Class that the config's ``type`` refers to in this scope."""
    if isinstance(config['type'], type):
        return config['type']
    with DATASETS.switch_scope_and_registry(config.get('_scope_', scope)) as registry:
        return registry.get(config['type']) or object


def check_no_skipping(config: dict, what: str) -> None:
    """Check that a test does not replace broken images, since it would then measure another set of images.

    Raises:
        InputError: The pipeline of a test has ``skip_broken=True``.
    """
    step = step_of(config.get('pipeline'), 'LoadImage')
    if config.get('test_mode') and isinstance(step, dict) and step.get('skip_broken'):
        raise InputError(f'{what} must use all listed images: remove skip_broken from its mmbdg.LoadImage, and repair the images')


def object_kinds() -> list:
    """Detection dataset classes and their checks."""
    if 'mmdet.datasets' not in sys.modules:  # so no dataset is one of them; the import takes a second
        return []
    from mmdet.datasets import CocoDataset, XMLDataset

    return [(XMLDataset, voc_notes), (CocoDataset, coco_notes)]


def unread(config: dict, kind: type) -> BaseDataset:
    """Build the dataset with its paths and classes, without reading its files."""
    arguments = {key: value for key, value in config.items() if key not in ('type', '_scope_')}
    try:
        return kind(**arguments | dict(pipeline=[], lazy_init=True))
    except AssertionError as error:  # mmseg.PascalVOCDataset checks its files in the constructor
        raise InputError(f'{config.get("data_root", "")}: {config.get("ann_file")} or the folder of the images is missing') from error


def label_maps(dataset: BaseDataset, pipeline: list, scope: str) -> MaskLabels | None:
    """Check that all image files and label maps exist and that label maps contain only classes and the ignore label.

    Args:
        dataset: ``mmseg.BaseSegDataset`` whose files are not read yet.
        pipeline: Pipeline of its config.
        scope: Scope of types without a scope.

    Returns:
        Statistics of the label maps; None if the dataset names no classes.

    Raises:
        InputError: Files are missing, or label maps contain other values.
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
    """Check that each class occurs in at least one label map of the datasets that are used together.

    Args:
        classes: Names of the classes.
        parts: Datasets and the statistics of their label maps.

    Raises:
        InputError: A class occurs in no label map.
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
