"""Which labels the masks of a set hold, as its pipeline will load them; what is wrong with them is said before a training begins.

A mask of 0 and 255 is one whose foreground does not count: a head that learns from it reaches a mIoU of 100 with the background alone.
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
    """What was found in the masks of a set.

    Attributes:
        masks: Their number.
        stored: In how many masks each value of the files occurs.
        becomes: The label that each value is loaded as.
        problems: Masks that cannot be read, or hold what is none of the labels.
    """

    masks: int = 0
    stored: Counter = field(default_factory=Counter)
    becomes: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def missing(self, labels: Sequence[str]) -> list[int]:
        """Labels that no mask holds."""
        present = set(self.becomes.values())
        return [label for label in range(len(labels)) if label not in present]

    def missing_text(self, labels: Sequence[str], ignore: int, where: str, mapping: str, allowing: str) -> str:
        """Why a set in which a label never occurs is refused, and what to do; '' if all occur.

        Args:
            labels: Names.
            ignore: Label that does not count.
            where: What holds the masks.
            mapping: How a value is mapped to a label, with ``{}`` for the map.
            allowing: How labels that are missing are allowed.
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
    """Read the masks of a set.

    Args:
        items: As a dataset lists them, with ``seg_map_path``, and ``label_map`` and ``reduce_zero_label`` where it has them.
        pipeline: Of the dataset; its step that loads masks is asked what it loads. Without one ``mmbdg.LoadMask`` is.
        labels: Their number.
        ignore: Label that does not count.
        scope: Of types without one.
        all_ignored: Whether a mask of which no pixel counts is allowed.
        progress: Around the masks while they are read.
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
    """Our loader with the pipeline's arguments, and the pipeline's own where that is another one."""
    step = step_of(pipeline, 'LoadMask', 'LoadAnnotations')
    if step is None or isinstance(step, LoadMask):
        return step or LoadMask(), None
    if isinstance(step, Mapping):
        with TRANSFORMS.switch_scope_and_registry(step.get('_scope_', scope)) as registry:
            step = registry.build(dict(step))
    return (step, None) if isinstance(step, LoadMask) else (LoadMask(), step)


def _read(item: dict, own: LoadMask, foreign: Callable | None) -> tuple[set[int], dict[int, int], str]:
    """Values that are stored, the label of each, and what is wrong."""
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
    except Exception as error:  # whatever a step of another package raises
        loaded, reason = None, f' ({error})'
    if loaded is None or loaded.shape != stored.shape or not np.array_equal(loaded, table[stored]):
        name = type(foreign).__name__
        reason = reason if loaded is None else ''
        return values, becomes, f"{item['seg_map_path']} is read wrongly by {name}{reason}: take dict(type='mmbdg.LoadMask') in its place"
    return values, becomes, ''
