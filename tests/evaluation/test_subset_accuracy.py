"""mmbdg.SubsetAccuracy: values by hand, and mmpretrain's when the subset is everything."""

import numpy as np
import pytest
import torch
from mmengine.evaluator import Evaluator
from mmpretrain.evaluation import Accuracy
from mmpretrain.structures import DataSample

from mmbdg.assets.class_lists import folder_names, imagenet_subsets
from mmbdg.errors import InputError
from mmbdg.evaluation import SubsetAccuracy

FIVE = ('n01440764', 'n01443537', 'n01484850', 'n01491361', 'n01494475')


def measured(metrics, scores, labels) -> dict:
    samples = [DataSample().set_pred_score(torch.tensor(row)).set_gt_label(int(label)) for row, label in zip(scores, labels, strict=True)]
    evaluator = Evaluator(metrics)
    evaluator.process(samples)
    return evaluator.evaluate(len(samples))


def test_by_hand():
    """Three images of classes 1 and 3. Of all classes the best is 0, 1 and 2; of the classes 1, 3 and 4 it is 1, 1 and 3."""
    scores = [[0.5, 0.3, 0.1, 0.1, 0.0], [0.1, 0.6, 0.1, 0.2, 0.0], [0.0, 0.0, 0.7, 0.2, 0.1]]
    found = measured([SubsetAccuracy((FIVE[4], FIVE[1], FIVE[3]), FIVE, topk=(1, 2))], scores, [1, 3, 3])
    assert found['subset/top1'] == pytest.approx(200 / 3) and found['subset/top2'] == 100


def test_in_numpy():
    rng = np.random.default_rng(0)
    subset = np.sort(rng.choice(1000, 200, replace=False))
    logits, labels = rng.standard_normal((300, 1000)).astype(np.float32), rng.choice(subset, 300)
    logits[np.arange(300), labels] += 2
    by_hand = 100 * (subset[logits[:, subset].argmax(1)] == labels).mean()
    wnids = [folder_names('in1k')[i] for i in rng.permutation(subset)]  # in any order
    assert 0 < by_hand < 100
    assert measured([SubsetAccuracy(wnids)], logits, labels)['subset/top1'] == pytest.approx(by_hand)
    softmax = torch.tensor(logits).softmax(1).numpy()
    assert measured([SubsetAccuracy(wnids)], softmax, labels)['subset/top1'] == pytest.approx(by_hand)


def test_all_classes_are_mmpretrains_accuracy():
    rng = np.random.default_rng(1)
    scores, labels = rng.random((200, 5)).astype(np.float32), rng.integers(0, 5, 200)
    found = measured([Accuracy(topk=(1, 3)), SubsetAccuracy(FIVE, FIVE, topk=(1, 3))], scores, labels)
    assert found['subset/top1'] == found['accuracy/top1'] and found['subset/top3'] == found['accuracy/top3']


def test_embedded_subsets():
    for name in ('imagenet-a', 'imagenet-r'):
        metric = SubsetAccuracy(name)
        assert [folder_names('in1k')[i] for i in metric.indices] == list(imagenet_subsets()[name])
    garments = SubsetAccuracy(['bag', 'sneaker'], 'fashion32')
    assert garments.indices.tolist() == [7, 8]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(subset=[FIVE[0], FIVE[1], FIVE[0]]), "'n01440764' is given 2 times"),
        (dict(subset=['n01440764', 'n99999999']), "'n99999999' is not one of the 1000 classes"),
        (dict(subset=['tench']), "'tench' is not one of the 1000 classes .wnids, not names"),
        (dict(subset=['n01494475'], classes=FIVE[:4]), "'n01494475' is not one of the 4 classes"),
        (dict(subset=[7, 8]), 'a subset is a list of wnids'),
        (dict(subset=[]), 'the subset of classes is empty'),
        (dict(subset='imagenet-x'), 'one of imagenet-a, imagenet-r; got "imagenet-x"'),
        (dict(subset=FIVE[:2], topk=(1, 3)), 'topk has 3; it takes whole numbers from 1 to 2'),
        (dict(subset=FIVE[:2], topk=0), 'topk has 0'),
    ],
)
def test_wrong_subsets(arguments, message):
    with pytest.raises(InputError, match=message):
        SubsetAccuracy(**arguments)


def test_wrong_predictions():
    metric = SubsetAccuracy(FIVE[:2], FIVE)
    with pytest.raises(InputError, match='has the class n01484850, which is not in the subset'):
        measured([metric], [[0.2] * 5], [2])
    with pytest.raises(InputError, match=r'predicts scores of shape \(4,\); mmbdg.SubsetAccuracy needs one for each of 5 classes'):
        measured([metric], [[0.2] * 4], [1])
    with pytest.raises(InputError, match='predicts no scores'):
        metric.process(None, [dict(pred_label=torch.tensor([1]), gt_label=torch.tensor([1]))])
    for row in ([0.0, 0.0, 1.0, 0.0, 0.0], [float('nan')] * 5):
        with pytest.raises(InputError, match='none is the best'):
            measured([metric], [row], [1])
