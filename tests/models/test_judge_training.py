"""Training of a judge of early rejection: its data, loss, metric and export."""

import json

import numpy as np
import pytest
import torch
from conftest import TINY_VQGAN, run_tool

from mmbdg.classifiers import build_classifier
from mmbdg.datasets import ScoredCandidates
from mmbdg.errors import InputError
from mmbdg.evaluation import EarlyRecall
from mmbdg.models import JudgeTraining
from mmbdg.sources import LabelledGenerator, LabelledGeneratorSource


@pytest.fixture
def candidates(tiny_labelled_generator, tiny_classifier) -> ScoredCandidates:
    return ScoredCandidates(
        str(tiny_labelled_generator), tiny_classifier, 'blocks.0.0', per_class=5, cells=2, seed=3, first=7, batch_size=4
    )


def test_candidates(candidates, tiny_labelled_generator, tiny_classifier):
    """Items are cells of features, and ranks of the classifier's confidence within a class, by address."""
    source = LabelledGeneratorSource(str(tiny_labelled_generator), seed=3)
    items = [candidates[i] for i in range(5, 10)]  # class 1
    coarse = source.draw_coarse(1, range(7, 12), 'blocks.0.0')
    cells = coarse.feature.numpy().reshape(5, 16, 2, 4, 2, 4).mean((3, 5))
    np.testing.assert_allclose(np.stack([item['feature'] for item in items]), cells, atol=1e-5)
    assert torch.equal(torch.stack([item['z'] for item in items]), coarse.z) and {int(item['y']) for item in items} == {1}
    confidence = build_classifier(tiny_classifier).probabilities(source.draw(1, range(7, 12)).images)[:, 1].numpy()
    np.testing.assert_allclose([item['confidence'] for item in items], confidence, atol=1e-4)
    ranks = [item['rank'].item() for item in items]
    assert np.argsort(ranks).tolist() == np.argsort(confidence).tolist()
    assert sorted(ranks) == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9]) and len(candidates) == 15


def test_loss_and_prediction(candidates, tiny_labelled_generator):
    """Binary cross entropy to the rank to the power of the sharpness."""
    model = JudgeTraining(str(tiny_labelled_generator), 'blocks.0.0', dict(cells=2, width=3, hidden=5), sharpness=2).eval()
    batch = torch.utils.data.default_collate([candidates[i] for i in range(15)])
    scores = model(**batch).detach()
    p, target = 1 / (1 + np.exp(-scores.double().numpy())), batch['rank'].double().numpy() ** 2
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert model(**batch, mode='loss')['loss'].item() == pytest.approx(expected, rel=1e-5)
    predicted = model(**batch, mode='predict')
    assert [item['early_score'] for item in predicted] == pytest.approx(scores.tolist())
    assert [item['gt_label'] for item in predicted] == [0] * 5 + [1] * 5 + [2] * 5


def test_recall_by_hand():
    """Class 0: the classifier's best two of ten are 0 and 1, the judge's best four 1, 2, 3, 4; class 1: all are found."""
    metric = EarlyRecall(keep=0.4, rate=0.8)
    confidence = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    for label, scores in ((0, [-9, 9, 8, 7, 6, 5, 4, 3, 2, 1]), (1, [3, 4, 2, 1, 0, 0, 0, 0, 0, 0])):
        rows = zip(scores, confidence, strict=True)
        metric.process(None, [dict(early_score=score, confidence=known, gt_label=label) for score, known in rows])
    assert metric.compute_metrics(metric.results) == dict(early_recall=75.0)


def test_the_command(tmp_path):
    """The config of the embedded judge trains, and what it writes is read."""
    options = [f'{part}_dataloader.dataset.per_class=4' for part in ('train', 'val')]
    options += ['train_dataloader.batch_size=8', 'train_cfg.max_iters=2', 'train_cfg.val_interval=2']
    run_tool('tools/train.py', 'configs/judge/early_biggan32.py', '--work-dir', tmp_path, '--cfg-options', *options)
    judge = LabelledGeneratorSource('fashion32').judge(str(tmp_path))
    assert judge.block == 'blocks.0.0'
    card = json.loads((tmp_path / 'judge.safetensors.json').read_text())
    assert card['truncation'] == 0.9 and 0 <= card['figures']['early_recall'] <= 100


class TestBadInput:
    def test_values(self, tiny_labelled_generator, tiny_classifier):
        folder = str(tiny_labelled_generator)
        with pytest.raises(InputError, match='sharpness must be above 0'):
            JudgeTraining(folder, 'blocks.0.0', sharpness=0)
        with pytest.raises(InputError, match='has no block "blocks.9.0"; its blocks are blocks.0.0'):
            JudgeTraining(folder, 'blocks.9.0')
        with pytest.raises(InputError, match='per_class must be at least 2'):
            ScoredCandidates(folder, tiny_classifier, 'blocks.0.0', per_class=1)
        with pytest.raises(InputError, match=r'keep must be in \(0, 1\]'):
            EarlyRecall(keep=0)

    def test_cells_of_the_data(self, tiny_labelled_generator):
        model = JudgeTraining(str(tiny_labelled_generator), 'blocks.0.0', dict(cells=4))
        z, y, numbers = torch.zeros(2, 12), torch.zeros(2, dtype=torch.int64), torch.zeros(2)
        with pytest.raises(InputError, match='the features have 2 cells along each side, the judge 4: set model.judge.cells'):
            model(torch.zeros(2, 16, 2, 2), z, y, numbers, numbers, mode='loss')

    def test_a_vqgan(self, monkeypatch):
        monkeypatch.setattr(LabelledGenerator, 'card', lambda path: dict(generator=TINY_VQGAN))
        with pytest.raises(InputError, match='VQGAN cannot stop after a block: the tokens'):
            JudgeTraining('any', 'transformer.blocks.1')
