"""Labels in the masks of a dataset as its pipeline will load them, to find wrong masks before a training starts.

Example: in masks with the values 0 and 255 the foreground is ignored, and a head that predicts only background reaches a mIoU of 100.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from mmengine.registry import TRANSFORMS

from mmbdg.datasets.loading import LoadMask, step_of
from mmbdg.errors import InputError

SHOWN = 5
THREADS = 8


@dataclass
class MaskLabels:
    """Statistics of the masks of a dataset.

    Attributes:
        masks: Number of masks.
        stored: For each stored value, the number of masks that contain it.
        becomes: For each stored value, the label it is loaded as.
        problems: Messages about masks that cannot be read or contain an invalid label.
    """

    masks: int = 0
    stored: Counter = field(default_factory=Counter)
    becomes: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def missing(self, labels: Sequence[str]) -> list[int]:
        """Labels that occur in no mask."""
        present = set(self.becomes.values())
        return [label for label in range(len(labels)) if label not in present]

    def missing_text(self, labels: Sequence[str], ignore: int, where: str, mapping: str, allowing: str) -> str:
        """Error message for a dataset in which a label never occurs; '' if all labels occur.

        Args:
            labels: Names of the labels.
            ignore: Ignore label.
            where: Folder or list of the masks, for the message.
            mapping: Advice how to map a value to a label, with ``{}`` in the place of the map.
            allowing: Advice how to allow missing labels.
        """
        missing = self.missing(labels)
        if not missing:
            return ''
        names = ', '.join(f'{label} ({labels[label]})' for label in missing[:SHOWN]) + (', ...' if len(missing) > SHOWN else '')
        ignored = [value for value, label in sorted(self.becomes.items()) if label == ignore]
        values = ', '.join(
            f'{value} in {count}' + (' (does not count)' if value in ignored else '') for value, count in sorted(self.stored.items())[:20]
        )
        example = mapping.format(f'{{{(ignored or ["VALUE"])[0]}: {missing[0]}}}')
        return (
            f'no mask of {where} holds the label{"s" if len(missing) > 1 else ""} {names}; the values in its {self.masks} masks are '
            f'{values}. If one of them stands for a label, map it: {example}. If the set really lacks labels: {allowing}'
        )


def labels_of(
    items: Iterable[dict],
    pipeline: Sequence,
    labels: int,
    ignore: int,
    scope: str | None = None,
    all_ignored: bool = True,
    progress: Callable = iter,
) -> MaskLabels:
    """Read the masks of a dataset and collect their labels.

    Args:
        items: Items of the dataset with ``seg_map_path``, and optionally ``label_map`` and ``reduce_zero_label``.
        pipeline: Pipeline of the dataset; its mask-loading step is used, or ``mmbdg.LoadMask`` if there is none.
        labels: Number of labels.
        ignore: Ignore label.
        scope: Scope of types without a scope.
        all_ignored: Whether a mask may consist of ignored pixels only.
        progress: Function that wraps the iterator over the masks, e.g. tqdm.
    """
    items, found = list(items), MaskLabels()
    own, foreign = _loaders(pipeline, scope)
    with ThreadPoolExecutor(THREADS) as pool:
        read = pool.map(lambda item: _read(item, own, foreign), items)
        for item, (values, becomes, problem) in progress(zip(items, read, strict=True)):
            found.masks += 1
            found.stored.update(values)
            found.becomes |= becomes
            wrong = sorted(value for value, label in becomes.items() if not (0 <= label < labels or label == ignore))
            if wrong and not problem:
                allowed = f'the {labels} labels are 0 to {labels - 1}; {ignore} does not count'
                mapped = {value: becomes[value] for value in wrong[:SHOWN] if becomes[value] != value}
                problem = (
                    f'{item["seg_map_path"]} has the values {wrong[:SHOWN]}' + (f' (labels {mapped})' if mapped else '') + f'; {allowed}'
                )
            if not (problem or all_ignored) and set(becomes.values()) == {ignore}:
                problem = f'{item["seg_map_path"]} has nothing but {ignore} (ignored)'
            found.problems += [problem] if problem else []
    return found


def _loaders(pipeline: Sequence, scope: str | None) -> tuple[LoadMask, Callable | None]:
    """A ``LoadMask`` with the pipeline's arguments, and the pipeline's own loader if it is of another type (else None)."""
    step = step_of(pipeline, 'LoadMask', 'LoadAnnotations')
    if step is None or isinstance(step, LoadMask):
        return step or LoadMask(), None
    if isinstance(step, Mapping):
        with TRANSFORMS.switch_scope_and_registry(step.get('_scope_', scope)) as registry:
            step = registry.build(dict(step))
    return (step, None) if isinstance(step, LoadMask) else (LoadMask(), step)


def _read(item: dict, own: LoadMask, foreign: Callable | None) -> tuple[set[int], dict[int, int], str]:
    """Stored values of a mask, the label of each value, and the problem ('' if there is none)."""
    try:
        stored = own.stored(item)
    except InputError as error:
        return set(), {}, str(error)
    values = set(np.flatnonzero(np.bincount(stored.ravel())).tolist())
    table = own.table(stored.dtype, item)
    becomes = {value: int(table[value]) for value in values}
    if foreign is None:
        return values, becomes, ''
    try:
        loaded = foreign(item | dict(seg_fields=[]))['gt_seg_map']
    except Exception as error:  # transforms of other packages can raise any error
        loaded, reason = None, f' ({error})'
    if loaded is None or loaded.shape != stored.shape or not np.array_equal(loaded, table[stored]):
        name = type(foreign).__name__
        reason = reason if loaded is None else ''
        return values, becomes, f"{item['seg_map_path']} is read wrongly by {name}{reason}: replace it by dict(type='mmbdg.LoadMask')"
    return values, becomes, ''
