import numpy as np
import pytest
import torch

from mmbdg.evaluation import LabellerIoU


def sample(truth, predicted, label, **extra):
    def seg(a):
        return dict(data=torch.as_tensor(a)[None])

    return dict(gt_sem_seg=seg(truth), pred_sem_seg=seg(predicted), gt_label=torch.tensor([label]), **extra)


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def metric(head):
    names = ('a', 'b')
    m = LabellerIoU(per_class=True)
    m.dataset_meta = dict(class_names=names, classes=('background', 'foreground') if head == 'fgbg' else ('background', *names))
    return m


def test_fgbg_head_in_both_spaces():
    rng = np.random.default_rng(0)
    truths, predictions = rng.integers(0, 2, (2, 8, 8)), rng.integers(0, 2, (2, 8, 8))
    m = metric('fgbg')
    m.process(None, [sample(truths[i], predictions[i], i) for i in range(2)])
    result = m.compute_metrics(m.results)
    t, p = truths.astype(bool), predictions.astype(bool)
    assert result['mIoU_fgbg'] == pytest.approx(100 * np.mean([iou(~t, ~p), iou(t, p)]), abs=0.01)
    assert result['mIoU_classes'] == pytest.approx(100 * np.mean([iou(~t, ~p), iou(t[0], p[0]), iou(t[1], p[1])]), abs=0.01)
    assert result['IoU_classes_b'] == pytest.approx(100 * iou(t[1], p[1]), abs=0.01)


def test_no_class_is_taken_for_ignore():
    names = [f'c{i}' for i in range(300)]
    m = LabellerIoU(per_class=True)
    m.dataset_meta = dict(class_names=names, classes=('background', 'foreground'))
    truth = np.array([[0, 1], [1, 65535]])
    m.process(None, [sample(truth, np.array([[0, 1], [1, 1]]), c) for c in (253, 254, 255)])
    result = m.compute_metrics(m.results)
    assert [result[f'IoU_classes_c{c}'] for c in (253, 254, 255)] == [100, 100, 100]


def test_head_with_a_label_per_class_can_err_in_the_class():
    m = metric('classes')
    truth = np.array([[0, 2], [2, 2]])
    m.process(None, [sample(truth, np.array([[0, 1], [2, 2]]), 1)])
    result = m.compute_metrics(m.results)
    assert result['mIoU_fgbg'] == 100
    assert result['IoU_classes_b'] == pytest.approx(66.67, abs=0.01) and result['IoU_classes_a'] == 0


def test_ignored_pixels_do_not_count():
    m = metric('fgbg')
    m.process(None, [sample(np.array([[0, 1], [255, 1]]), np.array([[0, 1], [1, 1]]), 0)])
    assert m.compute_metrics(m.results)['mIoU_fgbg'] == 100


def test_spread_of_the_rule():
    m = metric('fgbg')
    truth = np.array([[0, 1], [1, 1]])
    m.process(None, [sample(truth, truth, 0, thresholds=(8, 4), rule_seg=np.stack([truth, np.ones((2, 2), int)]))])
    result = m.compute_metrics(m.results)
    assert result['mIoU_fgbg'] == 100 and result['rule_fgbg_t4'] == pytest.approx(100 * np.mean([0, 3 / 4]), abs=0.01)
