import numpy as np
import pytest
import torch

from mmbdg.analysis.distances.distribution_distances import kernel_distance
from mmbdg.classifiers import build_classifier
from mmbdg.errors import InputError
from mmbdg.evaluation import KernelDistance


def test_kernel_distance_of_all_batches(tiny_classifier):
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 10, 3, 16, 16), np.uint8))
    pictures[1] //= 3
    metric = KernelDistance(tiny_classifier, 'tiny')
    for batch in (range(6), range(6, 10)):
        metric.process(None, [dict(real=pictures[0, i], generated=pictures[1, i]) for i in batch])
    real, generated = (build_classifier(tiny_classifier).features(side).numpy() for side in pictures)
    expected = 1000 * kernel_distance(real, generated)
    assert metric.evaluate(10) == {'KD_tiny': pytest.approx(expected, rel=1e-3)} and expected > 1


def test_missing_package_is_said_before_training(tiny_classifier, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'torch_fidelity.metric_kid', None)
    with pytest.raises(InputError, match='pip install torch-fidelity'):
        KernelDistance(tiny_classifier, 'tiny')
