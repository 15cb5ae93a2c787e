"""Synthetic labelled images as a dataset for any mmseg model."""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.logging import print_log
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations

from mmbdg.cache import cache_folder
from mmbdg.datasets.checked_masks import CheckedLoading
from mmbdg.errors import InputError
from mmbdg.registry import DATASETS
from mmbdg.storage.checksums import KEY
from mmbdg.storage.label_spaces import Groups, LabelSpace, label_space
from mmbdg.storage.layout import canonical
from mmbdg.storage.palette import palette
from mmbdg.storage.stored import StoredDataset
from mmbdg.synthesis.filters import build_filters
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.loading import load_source
from mmbdg.synthesis.pipeline import is_complete, synthesize
from mmbdg.synthesis.plan import Synthesis


@DATASETS.register_module()
class SyntheticSegDataset(BaseSegDataset):
    """Dataset written by ``tools/synthesize.py``, with masks in a label space.

    .. code-block:: python

        dataset=dict(type='mmbdg.SyntheticSegDataset', data_root='data/biggan_sim', pipeline=[...])

    Args:
        data_root: Folder of the dataset; None: a cache folder (needs ``prepare``).
        prepare: ``synthesis`` dict of a synthesis config. If the dataset does not exist, rank 0 generates it once, exactly as
            ``tools/synthesize.py`` does, and other processes wait. Without ``data_root`` it goes to a cache folder whose name is a hash of
            all settings that determine its bytes.
        label_space: "fgbg", "classes" (one label for each class of the generator) or another one, see
            :func:`mmbdg.storage.label_spaces.label_space`; images of classes outside it are left out. Applied by
            ``mmseg.LoadAnnotations`` as a label map, above 254 labels, here or in the masks, by ``mmbdg.LoadMask``.
        selection: Name of a selection of ``tools/select_samples.py``, to read its samples only; None for all samples.
        per_class: Only the first samples of each class, this number exactly; default: all. A smaller set is part of a larger one.
        allow_empty: Labels may have no image at all; a head then learns that they are never there.
        pipeline: Transforms, from ``LoadImageFromFile`` and ``mmseg.LoadAnnotations`` on; masks are checked as they are loaded, see
            :class:`~mmbdg.datasets.checked_masks.CheckedLoading`.
        **kwargs: Arguments of ``mmseg.BaseSegDataset``; ``serialize_data`` is ignored, because items are built on access.

    Raises:
        InputError: The dataset is missing or unfinished and cannot be made, or damaged; its masks do not fit the label space; a label has
            no image; ``reduce_zero_label`` is asked for, while the first label is the background; there is no such selection, or it was
            made from another dataset; a class has fewer samples than ``per_class``.
    """

    synthetic: ClassVar = True

    def __init__(
        self,
        data_root: str | None = None,
        prepare: dict | None = None,
        label_space: str | Groups = 'classes',
        allow_empty: bool = False,
        selection: str | None = None,
        per_class: int | None = None,
        pipeline: Sequence = (),
        **kwargs: Any,
    ) -> None:
        if data_root is None and prepare is None:
            raise InputError('SyntheticSegDataset needs data_root (a finished dataset) or prepare (a synthesis config)')
        if per_class is not None and per_class < 1:
            raise InputError(f'SyntheticSegDataset: per_class is {per_class}, expected 1 or more, or None for all samples')
        if kwargs.get('reduce_zero_label'):
            raise InputError('the first label of a synthetic dataset is the background: remove reduce_zero_label')
        root = prepare_dataset(Synthesis.from_config(prepare), data_root) if prepare else Path(data_root)
        self.stored, self.root, self.per_class = StoredDataset(root, selection), root, per_class
        self.info, self.lines = self.stored.info, self.stored.lines
        self.space = self._space(label_space, pipeline)
        names = list(self.stored.catalogue.classes)
        super().__init__(
            metainfo=dict(classes=self.space.classes, palette=palette(self.space.num_classes), class_names=names),
            data_root=str(root),
            pipeline=list(pipeline),
            **kwargs | dict(serialize_data=False),
        )
        self.pipeline.transforms = [self.checked_loader(step) for step in self.pipeline.transforms]
        if not allow_empty:
            self._check_labels()

    def _space(self, name: str | Groups, pipeline: Sequence) -> LabelSpace:
        stored = self.info['classes']
        if not self.stored.catalogue.has_masks:
            raise InputError(f'{self.root} has no masks: its source gives images only; SyntheticSegDataset needs masks')
        space = label_space(name, self.stored.catalogue.classes)
        space.check_masks(stored, str(self.root))
        loaders = [step['type'] for step in pipeline if isinstance(step, dict) and str(step['type']).endswith('LoadAnnotations')]
        labels = max(space.num_classes, len(stored))
        if loaders and labels > 254:
            raise InputError(f'{loaders[0]} holds labels in uint8, {self.root} has {labels} of them: use mmbdg.LoadMask instead')
        return space

    def _check_labels(self) -> None:
        present = {self.space.foreground_ids[class_id] for class_id in self.stored.index.present_classes() if self.space.has(class_id)}
        if empty := [name for label, name in enumerate(self.space.classes) if label and label not in present]:
            raise InputError(
                f'{self.root} has no image of {len(empty)} of the {self.space.num_classes - 1} labels of "{self.space.name}": '
                f'{", ".join(empty[:5])}{", ..." if len(empty) > 5 else ""}. Synthesise them (tools/synthesize.py --classes), take a label '
                'space without them (groups of your own), or set allow_empty=True'
            )

    def load_data_list(self) -> 'Items':
        classes = np.asarray(self.stored.index.class_ids)
        within = np.array([self.space.has(class_id) for class_id in range(len(self.stored.catalogue.classes))])[classes]
        places = self.space.within(np.arange(len(classes)), lambda place: classes[place], 'images') if not within.all() else None
        if self.per_class:
            places = self._first_of_each_class(classes, np.arange(len(classes)) if places is None else places)
        return Items(self.stored, self.space, self.reduce_zero_label, places)

    def _first_of_each_class(self, classes: np.ndarray, places: np.ndarray) -> np.ndarray:
        kept = np.zeros(len(places), bool)
        for class_id in np.unique(classes[places]):
            of_class = np.flatnonzero(classes[places] == class_id)
            if len(of_class) < self.per_class:
                raise InputError(
                    f'{self.root} has {len(of_class):,} samples of {self.stored.catalogue.classes[int(class_id)]}, but per_class is '
                    f'{self.per_class:,}: synthesise more (tools/synthesize.py --num-per-class), or take fewer'
                )
            kept[of_class[: self.per_class]] = True
        return np.asarray(places)[kept]

    @staticmethod
    def checked_loader(step: Any) -> Any:
        """Wrap a transform that loads masks in :class:`CheckedLoading`; return other transforms unchanged."""
        return CheckedLoading(step) if isinstance(step, LoadAnnotations) else step


class Items(Sequence):
    """Sequence of the pipeline's input dicts, built on access, so that memory use is only that of the manifest.

    Args:
        stored: The stored dataset.
        space: The label space.
        reduce_zero_label: Value that mmseg expects in each item.
        places: Line numbers in the manifest, int (N,); None: all lines.
    """

    def __init__(self, stored: StoredDataset, space: LabelSpace, reduce_zero_label: bool, places: np.ndarray | None = None) -> None:
        self.stored, self.space, self.reduce_zero_label = stored, space, reduce_zero_label
        self.places = np.arange(len(stored.lines)) if places is None else places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int | slice) -> 'dict | Items':
        if isinstance(index, slice):
            return Items(self.stored, self.space, self.reduce_zero_label, self.places[index])
        line = self.stored.lines[int(self.places[index])]
        image, mask = self.stored.paths(line)
        label_map = self.label_map(line['class'])
        stored = [*range(len(self.stored.info['classes'])), self.stored.ignore]
        return dict(
            img_path=image,
            seg_map_path=mask,
            label_map=label_map or None,
            gt_label=line['class'],
            reduce_zero_label=self.reduce_zero_label,
            seg_fields=[],
            mask_size=self.stored.info['resolution'],
            num_labels=len(self.stored.info['classes']),
            mask_checksum=line.get(KEY, {}).get('mask'),
            mask_labels=[label_map.get(label, label) for label in stored],
        )

    def __deepcopy__(self, memo: dict) -> 'Items':
        return self  # immutable

    def label_map(self, class_id: int) -> dict[int, int]:
        """Map from the ids stored in the masks of a class to the ids of the label space."""
        head, target = range(1, len(self.stored.info['classes'])), self.space.foreground_ids[class_id]
        # Id 1 of an FG/BG head becomes the label of the image's class. A multi-label head has the right ids, or all become 1 (fgbg).
        label_map = {i: target for i in head if i != target} if len(head) == 1 or self.space.name == 'fgbg' else {}
        if self.stored.ignore != self.space.ignore:  # with more than 254 labels, 255 is a label
            label_map[self.stored.ignore] = self.space.ignore
        return label_map


def prepare_dataset(plan: Synthesis, root: str | os.PathLike | None = None) -> Path:
    """Folder of the finished dataset; the first process of each machine generates what is missing, under a lock, and the others wait."""
    if root is None:
        source, filters = load_source(plan, 'cpu'), build_filters(plan.filters)
        for entry in filters:
            entry.prepare_source(source)  # the files of a filter may belong to the source
        identity = identity_of(plan, source, filters, 'cpu')
        identity |= dict(num_per_class=plan.num_per_class, classes=plan.classes)
        root = cache_folder() / 'synthetic' / hashlib.sha256(canonical(identity).encode()).hexdigest()[:16]
    root = Path(root)
    if os.environ.get('LOCAL_RANK', '0') == '0':
        if not is_complete(plan, root):
            print_log(f'the synthetic dataset does not exist yet and is generated once, in {root}', 'current')
        synthesize(plan, root, log=lambda line: print_log(line, 'current'), wait=True)
    while not is_complete(plan, root):
        time.sleep(1)
    return root
