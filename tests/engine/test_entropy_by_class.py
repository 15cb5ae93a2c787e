"""Entropy of the predictions by class, against hand computation, and the scores that a plan takes from it."""

import json
import math

import pytest
import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from test_class_scores import FGBG, Labelled, runner_of

from mmbdg.engine.hooks.entropy_by_class_hook import EntropyByClassHook
from mmbdg.errors import InputError
from mmbdg.leaderboard.scores_by_class import scores_by_class


def entropies_of(runner, outputs, batch=2):
    hook = EntropyByClassHook()
    hook.before_test_epoch(runner)
    for first in range(0, len(outputs), batch):
        hook.after_test_iter(runner, first, outputs=outputs[first : first + batch])
    hook.after_test_epoch(runner, {})
    return hook.found


def segmented(*probabilities):
    """A predicted sample of one row of pixels, from the probabilities of its labels at each pixel; it has no true mask."""
    logits = torch.tensor(probabilities).T.log()[:, None] + 3  # a constant does not matter
    return SegDataSample(seg_logits=PixelData(data=logits))


CERTAIN, UNSURE, SKEWED = (1.0, 0.0), (0.5, 0.5), (0.8, 0.2)
OF_SKEWED = -0.8 * math.log(0.8) - 0.2 * math.log(0.2)


def test_a_segmentor():
    dataset = Labelled([1, 0, 1], classes=FGBG, class_names=('bag', 'coat', 'shirt'))
    outputs = [segmented(CERTAIN, UNSURE), segmented(SKEWED, SKEWED), segmented(SKEWED, CERTAIN)]
    found = entropies_of(runner_of(dataset), [*outputs, outputs[0]])  # the last fills the batch
    coat = (math.log(2) / 2 + OF_SKEWED / 2) / 2
    assert found['labels'] == 2 and list(found['per_class']) == ['bag', 'coat']
    assert found['per_class']['bag'] == dict(images=1, entropy=pytest.approx(OF_SKEWED, abs=1e-5))
    assert found['per_class']['coat'] == dict(images=2, entropy=pytest.approx(coat, abs=1e-5))


def test_a_segmentor_with_one_output():
    """mmseg stores its probability of the foreground."""
    one = SegDataSample(seg_logits=PixelData(data=torch.tensor([[[0.2, 0.5]]])))
    found = entropies_of(runner_of(Labelled([0], classes=FGBG, class_names=('bag', 'coat'))), [one])
    assert found['labels'] == 2
    assert found['per_class']['bag']['entropy'] == pytest.approx((OF_SKEWED + math.log(2)) / 2, abs=1e-5)


def test_a_classifier():
    outputs = [DataSample().set_pred_score(torch.tensor(scores)) for scores in ([0.25] * 4, [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0])]
    found = entropies_of(runner_of(Labelled([2, 2, 0], classes=('a', 'b', 'c', 'd'))), outputs)
    assert found == dict(labels=4, per_class=dict(a=dict(images=1, entropy=0.693147), c=dict(images=2, entropy=0.693147)))


def test_what_is_refused():
    for runner in (
        runner_of(Labelled([0], classes=FGBG, class_names=('bag', 'coat')), shuffle=True),
        runner_of(Labelled([None], classes=FGBG)),
        runner_of(Labelled([[0, 1]], classes=('a', 'b'))),
        runner_of(Labelled([], classes=('a', 'b'))),
    ):
        with pytest.raises(InputError, match='does not tell the classes of its images'):
            EntropyByClassHook().before_test_epoch(runner)
    with pytest.raises(InputError, match='class_names in its meta information if the model is a segmentor'):
        entropies_of(runner_of(Labelled([0], classes=FGBG)), [segmented(CERTAIN, UNSURE)])
    with pytest.raises(InputError, match='neither logits of masks nor scores of classes'):
        entropies_of(runner_of(Labelled([0], classes=('a', 'b'))), [DataSample()])


def test_scores_of_a_plan(tmp_path):
    """The certainty is 100 without doubt, and 0 if all labels are equally probable."""
    path = tmp_path / 'test.json'
    classes = dict(a=dict(images=1, entropy=0.0), b=dict(images=3, entropy=math.log(4)), c=dict(images=2, entropy=math.log(2)))
    result = dict(config='a.py', checkpoint_sha256='0' * 64, metrics={}, per_class=None, per_label=dict(background=99.0, a=80.0, b=40.0))
    path.write_text(json.dumps(result))
    with pytest.raises(InputError, match='run tools/test.py with --entropy'):
        scores_by_class(path, certainty=True)
    path.write_text(json.dumps(result | dict(entropy=dict(labels=4, per_class=classes))))
    found = scores_by_class(path, certainty=True)
    assert found.figure == 'certainty' and found.scores == pytest.approx(dict(a=100, b=0, c=50))
    assert scores_by_class(path).scores == dict(a=80.0, b=40.0)
    for wrong in (dict(labels=1, per_class=classes), dict(labels=4, per_class={}), dict(labels=4, per_class=dict(a=dict(images=1)))):
        path.write_text(json.dumps(result | dict(entropy=wrong)))
        with pytest.raises(InputError, match='entropy'):
            scores_by_class(path)
