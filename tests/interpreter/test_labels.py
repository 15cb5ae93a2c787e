import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

from mmbdg.interpreter import image_uncertainty, jensen_shannon, segmentation_loss, vote


def softmax(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def entropy(p, axis):
    return -(p * np.log(p)).sum(axis)


@pytest.mark.parametrize('classes', [1, 4])
def test_jensen_shannon_by_hand(classes):
    logits = torch.randn(5, 2, classes, 3, 3, dtype=torch.float64) * 3
    x = logits.numpy()
    p = softmax(x, 2) if classes > 1 else np.concatenate([1 / (1 + np.exp(x)), 1 / (1 + np.exp(-x))], axis=2)
    expected = entropy(p.mean(0), 1) - entropy(p, 2).mean(0)
    np.testing.assert_allclose(jensen_shannon(logits).numpy(), expected, atol=1e-12)


def test_jensen_shannon_limits():
    certain = torch.tensor([50.0, -50.0]).view(2, 1, 1, 1, 1)
    assert jensen_shannon(certain).item() == pytest.approx(np.log(2), abs=1e-6)  # half of the members disagree with the other half
    assert jensen_shannon(certain[:1].expand(4, -1, -1, -1, -1)).item() == 0


def test_image_uncertainty_is_the_mean_of_the_top_tenth():
    js = torch.rand(3, 10, 10)
    expected = np.sort(js.flatten(1).numpy(), axis=1)[:, -10:].mean(1)
    np.testing.assert_allclose(image_uncertainty(js).numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize('classes', [1, 4])
def test_majority_vote_is_the_mode(classes):
    logits = torch.randn(6, 2, classes, 5, 5)
    ballots = (logits[:, :, 0] > 0).long() if classes == 1 else logits.argmax(2)
    assert np.array_equal(vote(logits).numpy(), stats.mode(ballots.numpy(), axis=0).mode)  # the smallest of equal counts, as in scipy


def test_mean_vote():
    logits = torch.tensor([4.0, -1.0, -1.0]).view(3, 1, 1, 1, 1)  # the majority is background, the mean probability is foreground
    assert vote(logits, 'majority').item() == 0
    assert vote(logits, 'mean').item() == 1
    with pytest.raises(ValueError, match='majority'):
        vote(logits, 'median')


@pytest.mark.parametrize('classes', [1, 4])
def test_loss_equals_torch_and_respects_ignore(classes):
    logits, labels = torch.randn(2, classes, 4, 4), torch.randint(0, max(classes, 2), (2, 4, 4))
    labels[0, :2] = 255
    valid = labels != 255
    if classes == 1:
        expected = F.binary_cross_entropy_with_logits(logits[:, 0][valid], labels[valid].float())
    else:
        expected = F.cross_entropy(logits, labels, ignore_index=255)
    torch.testing.assert_close(segmentation_loss(logits, labels), expected)
    assert segmentation_loss(logits, torch.full_like(labels, 255)) == 0


def test_ignored_pixels_change_nothing():
    logits, labels = torch.randn(1, 1, 4, 4), torch.randint(0, 2, (1, 4, 4))
    labels[0, 0] = 255
    other = logits.clone()
    other[:, :, 0] += 5
    assert segmentation_loss(logits, labels) == segmentation_loss(other, labels)
