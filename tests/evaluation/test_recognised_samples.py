import numpy as np
import pytest
import torch

from mmbdg.classifiers import build_classifier
from mmbdg.evaluation import RecognisedSamples


def test_share_of_all_batches(tiny_classifier):
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (10, 3, 16, 16), np.uint8))
    named = build_classifier(tiny_classifier).probabilities(pictures).argmax(1)
    meant = named.clone()
    meant[:3] = (meant[:3] + 1) % 3
    metric = RecognisedSamples(tiny_classifier, 'tiny')
    for batch in (range(6), range(6, 10)):
        metric.process(None, [dict(generated=pictures[i], gt_label=meant[i : i + 1]) for i in batch])
    assert metric.evaluate(10) == {'recognised_tiny': pytest.approx(70)}
