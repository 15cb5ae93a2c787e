"""Tests of what tools/test.py says about the test set."""

import hashlib
from types import SimpleNamespace

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmbdg.engine.hooks.measured_set_hook import MeasuredSetHook, mask_digest

LABELS = ('background', 'foreground')


def sample(mask: np.ndarray | None) -> SegDataSample:
    found = SegDataSample()
    if mask is not None:
        found.gt_sem_seg = PixelData(data=torch.from_numpy(mask)[None])
    return found


def measured(masks: list, labels: tuple | None = LABELS, batch: int = 2, length: int | None = None) -> dict | None:
    dataset = type('Dataset', (), dict(metainfo=dict(classes=labels), __len__=lambda self: length or len(masks)))()
    runner, hook = SimpleNamespace(test_dataloader=SimpleNamespace(dataset=dataset)), MeasuredSetHook()
    hook.before_test_epoch(runner)
    for i in range(0, len(masks), batch):
        hook.after_test_iter(runner, i, outputs=[sample(mask) for mask in masks[i : i + batch]])
    hook.after_test_epoch(runner, {})
    return hook.measured


def some_masks() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 2, (4, 3)) for _ in range(5)]


def test_checksum_by_hand():
    masks = some_masks()
    lines = sorted(hashlib.sha256(b'4 3 ' + mask.astype('<i4').tobytes()).hexdigest() for mask in masks)
    checksum = hashlib.sha256('\n'.join(lines).encode()).hexdigest()
    assert measured(masks) == dict(images=5, labels=list(LABELS), sha256=checksum)


def test_order_batches_and_types_do_not_matter():
    masks, first = some_masks(), measured(some_masks())
    assert first == measured(masks[::-1]) == measured(masks, batch=5) == measured([mask.astype(np.uint8) for mask in masks])
    assert mask_digest(masks[0]) == mask_digest(masks[0][None].astype(np.int32))


def test_another_set_has_another_checksum():
    masks = some_masks()
    checksums = {
        measured(others)['sha256']
        for others in (masks, masks[:4], [*masks, masks[0]], [mask.reshape(3, 4) for mask in masks], [2 * mask for mask in masks])
    }
    assert len(checksums) == 5


def test_samples_that_fill_the_last_batch_do_not_count():
    masks = some_masks()
    assert measured([*masks, masks[0]], length=5) == measured(masks)


def test_other_outputs_are_left_alone():
    hook = MeasuredSetHook()
    for outputs in (torch.zeros(2), dict(loss=1), None, [object()]):
        hook.after_test_iter(None, 0, outputs=outputs)
    assert hook._digests == ['']


def test_nothing_is_measured_without_masks_or_labels():
    assert measured([*some_masks(), None]) is None and measured(some_masks(), labels=None) is None and measured([], length=0) is None
