"""mIoU from one confusion matrix."""

import numpy as np
import pytest
import torch
from mmseg.evaluation import IoUMetric

from mmbdg.errors import InputError
from mmbdg.evaluation import StreamingIoU

IGNORE, LABELS = 65535, 992


def samples_of(truths, predictions):
    return [
        dict(gt_sem_seg=dict(data=torch.as_tensor(truth)[None]), pred_sem_seg=dict(data=torch.as_tensor(predicted)[None]), img_path='a.jpg')
        for truth, predicted in zip(truths, predictions, strict=True)
    ]


def evaluated(metric, samples, labels=LABELS, batch=1):
    metric.dataset_meta = dict(classes=tuple(f'label{i}' for i in range(labels)))
    for start in range(0, len(samples), batch):
        metric.process({}, samples[start : start + batch])
    return metric.evaluate(len(samples))


def images(number=3, seed=0):
    """Masks with labels around the limits of uint8 and ignored pixels, and predictions of which some are right."""
    rng = np.random.default_rng(seed)
    some = np.array([0, 1, 255, 256, 511, 991])
    truths = rng.choice(some, (number, 6, 7))
    predictions = np.where(rng.random(truths.shape) < 0.5, truths, rng.choice(some, truths.shape))
    truths[:, 0, :3] = IGNORE
    return truths, predictions


def test_by_hand_with_992_labels():
    truths, predictions = images()
    found = evaluated(StreamingIoU(ignore_index=IGNORE, per_class=True), samples_of(truths, predictions), batch=2)
    ious, right, counted = {}, 0, truths != IGNORE
    for label in range(LABELS):
        both = ((truths == label) & (predictions == label) & counted).sum()
        either = (((truths == label) | (predictions == label)) & counted).sum()
        right += both
        if either:
            ious[label] = 100 * both / either
        else:
            assert f'IoU_label{label}' not in found  # the label is nowhere
    assert ious.keys() == {0, 1, 255, 256, 511, 991}
    assert found['mIoU'] == pytest.approx(sum(ious.values()) / 6, abs=0.006)
    assert found['aAcc'] == pytest.approx(100 * right / counted.sum(), abs=0.006)
    assert all(found[f'IoU_label{label}'] == pytest.approx(iou, abs=0.006) for label, iou in ious.items())


def test_as_mmseg():
    samples = samples_of(*images(seed=1))
    own, theirs = StreamingIoU(ignore_index=IGNORE), IoUMetric(ignore_index=IGNORE)
    expected = evaluated(theirs, samples)
    assert evaluated(own, samples) == pytest.approx(expected, abs=0.011)
    assert evaluated(own, samples) == pytest.approx(expected, abs=0.011)  # a second validation starts anew


def test_large_numbers_are_counted_exactly():
    """A float32 sum of 2**24 + 1 pixels loses one; the matrix holds one size for any number of images."""
    metric = StreamingIoU()
    metric.dataset_meta = dict(classes=('background', 'foreground'))
    sample = samples_of(np.zeros((1, 2, 2), int), np.zeros((1, 2, 2), int))
    metric.process({}, sample * 2)
    metric.matrix[0] += 2**24
    metric.process({}, samples_of([[[0, 1]]], [[[1, 0]]]))
    assert metric.matrix.nbytes == 4 * 8 and metric.number == 2
    metric.evaluate(3)
    metric._last, metric.matrix = None, np.array([2**24, 1, 0, 2**24 + 1], np.int64)
    assert metric.evaluate(3)['mIoU'] == 100.0


@pytest.mark.parametrize(('rank', 'counted'), [(0, 2), (1, 1)])
def test_images_that_the_sampler_repeats(rank, counted, monkeypatch):
    """Three images on two processes: the second process gets one image twice, which counts once."""
    monkeypatch.setattr('mmbdg.evaluation.streaming_iou.get_world_size', lambda: 2)
    monkeypatch.setattr('mmbdg.evaluation.streaming_iou.get_rank', lambda: rank)
    monkeypatch.setattr(IoUMetric, 'evaluate', lambda self, size: (size, self.results))
    metric = StreamingIoU()
    metric.dataset_meta = dict(classes=('background', 'foreground'))
    metric.process({}, samples_of(np.zeros((2, 1, 5), int), np.zeros((2, 1, 5), int)))
    size, (matrix,) = metric.evaluate(3)
    assert size == 2 and matrix.tolist() == [5 * counted, 0, 0, 0]


def test_bad_input():
    truths, predictions = images()
    with pytest.raises(InputError, match='the mask of a.jpg holds the label 991; the dataset has 101 labels and 65535 is ignored'):
        evaluated(StreamingIoU(ignore_index=IGNORE), samples_of(np.full((1, 2, 2), 991), predictions[:1, :2, :2]), labels=101)
    with pytest.raises(InputError, match='the prediction of a.jpg holds the label 991'):
        evaluated(StreamingIoU(ignore_index=IGNORE), samples_of(np.zeros((1, 2, 2), int), np.full((1, 2, 2), 991)), labels=101)
    with pytest.raises(InputError, match='the mask of a.jpg holds the label 65535'):
        evaluated(StreamingIoU(ignore_index=255), samples_of(truths, predictions))
    with pytest.raises(InputError, match='writes no predictions'):
        StreamingIoU(output_dir='x')
