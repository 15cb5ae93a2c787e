"""Reads a dataset from a config (mmseg or this package) as labelled images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mmbdg.analysis.images.labelled_images import LabelledImages
from mmbdg.compat.config import check_keys, generator_config, read_config
from mmbdg.data_configs import unbuilt_text
from mmbdg.errors import InputError
from mmbdg.parts import SHORT_NAMES
from mmbdg.registry import DATASETS, TRANSFORMS
from mmbdg.storage.palette import palette

BACKGROUNDS = ('background', '_background_', '__background__', 'bg')
UINT8_LABELS = 254


class DatasetImages(LabelledImages):
    """Any ``mmseg.BaseSegDataset`` or image dataset of this package. Only the loading steps of its pipeline run; nothing is resized.

    If the first label is named "background" (or "bg"), the label ids do not change. Otherwise, as in Cityscapes or ADE20K, every label is
    foreground. Then all ids are raised by one, and ``labels`` begins with an added background label. ``facts['background']`` records this.

    Args:
        dataset: Dataset, built without its pipeline.
        name: Name of the dataset, used in messages and reports.
        load_image: Transform that adds ``img`` (BGR, as in mmcv) to an item. None: the items contain ``img``, RGB, or BGR
            if the dataset has the attribute ``bgr`` set to True.
        load_mask: Transform that adds ``gt_seg_map`` to an item. None: the items contain ``gt_seg_map``.
    """

    def __init__(self, dataset: Any, name: str, load_image: Callable | None, load_mask: Callable | None) -> None:
        self.dataset, self.load_image, self.load_mask = dataset, load_image, load_mask
        labels, colours = list(dataset.metainfo['classes']), dataset.metainfo.get('palette') or palette(len(dataset.metainfo['classes']))
        self.shift = int(labels[0].strip().lower() not in BACKGROUNDS)
        facts = dict(source=name)
        if self.shift:
            labels, colours = ['background', *labels], [[0, 0, 0], *colours]
            facts['background'] = f'none: its first label is "{labels[1]}", so every label counts as foreground'
        self._class_ids = [_single(self._raw(i).get('gt_label')) for i in range(len(dataset))]
        space = getattr(dataset, 'space', None)
        self.stored_ignore = getattr(space, 'ignore', getattr(dataset, 'ignore_index', 255))
        super().__init__(name, labels, colours, 65535 if self.shift else self.stored_ignore, self._class_names(), facts)
        counts = np.bincount([c for c in self._class_ids if c is not None], minlength=len(self.classes))
        if self.classes:
            self.facts['counts'] = dict(zip(self.classes, counts.tolist(), strict=True))

    @classmethod
    def from_config(cls, path: str, key: str) -> LabelledImages:
        """Build the dataset at a key of a config file.

        Args:
            path: Config file.
            key: Key of the dataset in the config, e.g. ``test_dataloader.dataset``.

        Raises:
            InputError: The file is missing, or there is no dataset at the key.
        """
        cfg = read_config(path)
        content = cfg.to_dict()
        node: Any = content
        try:
            for part in key.split('.'):
                node = node[int(part)] if isinstance(node, list | tuple) else node[part]
        except (KeyError, IndexError, ValueError, TypeError):
            node = None
        if not isinstance(node, dict) or 'type' not in node:
            found = ', '.join(f'{path}:{place}' for place in _datasets_in(content) if place)
            raise InputError(f'{path} has no dataset at "{key}"; ' + (f'name one: {found}' if found else 'it contains no dataset'))
        check_keys(cfg, key.split('.')[0])
        model = content.get('model') or {}
        generator = generator_config(cfg) if content.get('generator') or model.get('generator') else None
        return cls.build(node, f'{path}:{key}', content.get('default_scope') or 'mmseg', generator, model.get('truncation'))

    @classmethod
    def build(cls, config: dict, name: str, scope: str = 'mmseg', generator: dict | None = None, truncation: Any = None) -> LabelledImages:
        """Build a dataset from its config.

        Args:
            config: Config of the dataset.
            name: Name of the dataset, used in messages and reports.
            scope: Scope of types without a scope. Default: 'mmseg'.
            generator, truncation: Config of the generator and truncation of the latents, for annotated latents. Default: None.

        Raises:
            InputError: The dataset contains other datasets, has no labels or no masks, or a package is missing.
        """
        from mmengine.registry import DefaultScope

        if inner := [place for place in _datasets_in(config) if place]:
            raise InputError(f'{name} contains other datasets; name one of them: {", ".join(f"{name}.{place}" for place in inner)}')
        loaders: dict[str, Any] = dict.fromkeys(('img', 'gt_seg_map'))
        for step in config.pop('pipeline', ()):
            loaders |= {_loaded(step): step} if _loaded(step) else {}
        with DefaultScope.overwrite_default_scope(scope):
            try:
                dataset = DATASETS.build(config)
            except InputError:
                raise
            except (ImportError, KeyError, ValueError, TypeError) as error:
                empty = ' (it found no images: are its folders and img_suffix right?)' if 'at least one array' in str(error) else ''
                raise InputError(f'{name} cannot be built: {unbuilt_text(error)}{empty}') from error
            if str(config['type']).endswith('AnnotatedLatents'):
                from mmbdg.analysis.images.annotated_images import AnnotatedImages

                return AnnotatedImages(dataset, name, config.get('generator') or generator, config.get('truncation', truncation))
            given = _first_item(dataset, name)
            many = len(dataset.metainfo['classes']) > UINT8_LABELS
            load_mask = loaders['gt_seg_map'] or dict(type='mmbdg.LoadMask')
            if many and _kind(load_mask) == 'LoadAnnotations':
                load_mask = dict(type='mmbdg.LoadMask')
            return cls(
                dataset,
                name,
                None if 'img' in given else TRANSFORMS.build(_one_by_one(loaders['img'])),
                None if 'gt_seg_map' in given else TRANSFORMS.build(load_mask),
            )

    def __len__(self) -> int:
        return len(self.dataset)

    def image(self, i: int) -> np.ndarray:
        image = self._loaded_item(i, self.load_image)['img']
        if image.ndim == 2 or image.shape[2] == 1:
            image = np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
        if image.dtype != np.uint8 or image.shape[2] != 3:
            raise InputError(
                f'{self.title(i)} of {self.name} is {image.dtype} {image.shape}; images must be uint8 with one channel or three channels'
            )
        bgr = self.load_image or getattr(self.dataset, 'bgr', False)
        return np.ascontiguousarray(image[..., ::-1]) if bgr else image

    def mask(self, i: int) -> np.ndarray:
        mask = self._loaded_item(i, self.load_mask)['gt_seg_map']
        return np.where(mask == self.stored_ignore, self.ignore, mask.astype(np.int32) + 1) if self.shift else mask

    def class_of(self, i: int) -> int | None:
        return self._class_ids[i]

    def title(self, i: int) -> str:
        info = self._raw(i)
        return str(Path(info['img_path']).with_suffix('').name if 'img_path' in info else info.get('img_id', i))

    def _loaded_item(self, i: int, load: Callable | None) -> dict:
        item = self.dataset.get_data_info(i)
        try:
            return load(item) if load else item
        except (OSError, AssertionError, AttributeError, ValueError) as error:
            raise InputError(f'{self.title(i)} of {self.name} cannot be read: {error}') from error

    def _raw(self, i: int) -> dict:
        """Metadata of an item. No file is read and no random number is drawn."""
        from mmengine.dataset import BaseDataset

        return BaseDataset.get_data_info(self.dataset, i)

    def _class_names(self) -> list[str]:
        if not (known := [c for c in self._class_ids if c is not None]):
            return []
        names = list(self.dataset.metainfo.get('class_names') or ())
        return names + [f'class {c}' for c in range(len(names), max(known) + 1)]


def _kind(step: Any) -> str:
    """Type name of a transform without its scope."""
    return str(step.get('type', '')).rpartition('.')[2] if isinstance(step, dict) else ''


def _loaded(step: Any) -> str | None:
    """Key that a transform of a pipeline loads: 'img', 'gt_seg_map' or None."""
    kind = _kind(step)
    if kind.startswith('Load') and 'Image' in kind:
        return 'img'
    return 'gt_seg_map' if kind in ('LoadMask', 'LoadAnnotations') else None


def _one_by_one(step: dict | None) -> dict:
    """Config of the image loader. A broken image raises an error and is not skipped."""
    if step and _kind(step) not in ('LoadImage', 'LoadImageFromFile'):
        return step
    return dict(type='mmbdg.LoadImage', backend_args=(step or {}).get('backend_args'))


def _first_item(dataset: Any, name: str) -> dict:
    """Metadata of the first item. Raises InputError if the dataset has no labels, images or masks."""
    from mmengine.dataset import BaseDataset

    if not isinstance(dataset, BaseDataset) or not dataset.metainfo.get('classes'):
        raise InputError(f'{name} is no dataset of labelled images (an mmengine BaseDataset whose metainfo has classes)')
    if not len(dataset):
        raise InputError(f'{name} contains no images')
    item = dataset.get_data_info(0)
    if 'gt_seg_map' not in item and 'seg_map_path' not in item:
        raise InputError(f'{name} has images without masks; for COCO instances give the JSON file, INSTANCES.json:IMAGE_FOLDER')
    return item


def _single(label: Any) -> int | None:
    """Class id if the image has exactly one class, else None."""
    values = np.ravel(label) if label is not None else ()
    return int(values[0]) if len(values) == 1 else None


def _datasets_in(node: Any, place: str = '') -> list[str]:
    """Keys of all datasets that contain no other datasets; '' is the node itself."""
    if not isinstance(node, dict | list | tuple):
        return []
    items = node.items() if isinstance(node, dict) else enumerate(node)
    below = [found for key, value in items for found in _datasets_in(value, f'{place}.{key}' if place else str(key))]
    above, name = ['', '', *(part for part in place.split('.') if not part.isdigit())][-2:]
    is_dataset = isinstance(node, dict) and 'type' in node and (above == 'parts' or name in ('', 'dataset', 'datasets', *SHORT_NAMES))
    return below or ([place] if is_dataset else [])
