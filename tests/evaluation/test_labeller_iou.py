import numpy as np
import pytest
import torch

from mmbdg.assets.class_lists import class_names
from mmbdg.errors import InputError
from mmbdg.evaluation import LabellerIoU
from mmbdg.storage.label_spaces import label_space


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


def in_space(name, names, **options):
    """The metric for a dataset in a label space."""
    space = label_space(name, names)
    m = LabellerIoU(per_class=True, **options)
    m.dataset_meta = dict(class_names=names, classes=space.classes, label_space=space.metainfo)
    return m


IMAGENET = class_names('in1k')


def test_head_of_another_space():
    """IoU per label and means for three dogs, one of which is partly labelled as a bird."""
    m = in_space('mc16', IMAGENET)
    truth = np.array([[0, 11], [11, 11]])
    m.process(None, [sample(truth, predicted, 151) for predicted in (truth, truth, np.array([[0, 3], [0, 11]]))])
    result = m.compute_metrics(m.results)
    assert 'mIoU_classes' not in result
    assert result['IoU_mc16_dog'] == pytest.approx(100 * 7 / 9, abs=0.01) and result['IoU_mc16_bird'] == 0
    assert result['IoU_mc16_background'] == result['IoU_fgbg_background'] == 75
    assert result['mIoU_mc16'] == pytest.approx(100 * (7 / 9 + 0 + 3 / 4) / 3, abs=0.01)
    assert result['mIoU_fgbg'] == pytest.approx(100 * (8 / 9 + 3 / 4) / 2, abs=0.01)


@pytest.mark.parametrize(('name', 'class_id', 'label'), [('mc16', 151, 11), ('mc992', 999, 991), ('classes', 254, 255), ('dog', 200, 1)])
def test_fgbg_head_is_painted_in_the_space_of_the_dataset(name, class_id, label):
    m = in_space(name, IMAGENET)
    truth = np.array([[0, label], [label, label]])
    m.process(None, [sample(truth, np.array([[0, 1], [0, 1]]), class_id, num_outputs=1)])
    result = m.compute_metrics(m.results)
    assert result[f'mIoU_{name}'] == result['mIoU_fgbg'] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2, abs=0.01)


def test_ids_above_255_are_told_apart():
    """Ids above 255 are counted separately, although some are equal modulo 256.

    Every id of the largest space has its own bin.
    """
    m = in_space('mc992', IMAGENET)
    wrong = np.array([[991, 991 - 256], [0, 991]])
    m.process(None, [sample(np.array([[991, 991], [0, 991]]), wrong, 999)])
    result = m.compute_metrics(m.results)
    assert result[f'IoU_mc992_{IMAGENET[999]}'] == pytest.approx(100 * 2 / 3, abs=0.01) and result['mIoU_fgbg'] == 100
    m = in_space('classes', IMAGENET)
    truths = [np.array([[0, c + 1]], dtype=np.uint16) for c in range(1000)]
    m.process(None, [sample(truth.astype(np.int32), truth.astype(np.int64), c) for c, truth in enumerate(truths)])
    result = m.compute_metrics(m.results)
    assert all(result[f'IoU_classes_{name}'] == 100 for name in IMAGENET)


@pytest.mark.parametrize(('name', 'ignore', 'options'), [
    ('mc16', 255, {}), ('mc16', 65535, {}), ('mc992', 65535, {}), ('fgbg', 255, {}), ('fgbg', 7, dict(ignore_index=7)),
])  # fmt: skip
def test_ignored_pixels_of_any_space(name, ignore, options):
    m = in_space(name, IMAGENET, **options)
    label = m._own.foreground_ids[151]
    m.process(None, [sample(np.array([[0, label], [ignore, label]]), np.array([[0, label], [label, label]]), 151)])
    result = m.compute_metrics(m.results)
    assert result['mIoU_fgbg'] == 100 and result['mIoU_classes' if name == 'fgbg' else f'mIoU_{name}'] == 100


def test_label_255_counts_above_254_labels():
    m = in_space('mc992', IMAGENET)
    class_id = m._own.foreground_ids.index(255)
    m.process(None, [sample(np.array([[0, 255]]), np.array([[0, 0]]), class_id)])
    assert m.compute_metrics(m.results)['mIoU_mc992'] == 25  # half of the background, none of the other label


def test_own_groups():
    m = in_space(dict(pet=['a', 'b'], thing=['c']), ['a', 'b', 'c', 'd'])
    m.process(None, [sample(np.array([[0, 1]]), np.array([[0, 2]]), 1)])
    result = m.compute_metrics(m.results)
    assert result['mIoU_fgbg'] == 100 and result['IoU_groups_pet'] == 0 and result['IoU_groups_background'] == 100


def test_head_of_no_space_of_the_dataset_is_refused():
    m = in_space('mc16', IMAGENET)
    with pytest.raises(InputError, match='the head has 1001 labels, the dataset "mc16" has 16'):
        m.process(None, [sample(np.array([[0, 11]]), np.array([[0, 152]]), 151, num_outputs=1001)])
