"""Ensemble quality compared with numpy."""

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from mmbdg.errors import InputError
from mmbdg.evaluation import EnsembleQuality
from mmbdg.storage.label_spaces import label_space

CLASSES = ('disc', 'square')


def samples(n=20, members=3, size=8):
    rng = np.random.default_rng(0)
    found = []
    for i in range(n):
        truth = rng.random((size, size)) < 0.5
        member = [truth ^ (rng.random((size, size)) < i / 60) for _ in range(members)]
        vote = np.sum(member, axis=0) * 2 > members
        found.append(
            dict(
                gt_label=torch.tensor([i % 2]),
                gt_sem_seg=dict(data=torch.from_numpy(truth).long()[None]),
                pred_sem_seg=dict(data=torch.from_numpy(vote).long()[None]),
                member_sem_seg=dict(data=torch.from_numpy(np.stack(member)).long()),
                uncertainty=torch.tensor([((i * 7) % 20) / 20]),
                num_outputs=1,
            )
        )
    return found


def miou(truth, predicted):
    ious = [((truth == c) & (predicted == c)).sum() / ((truth == c) | (predicted == c)).sum() for c in (0, 1)]
    return 100 * np.mean(ious)


def evaluated(data, **options):
    metric = EnsembleQuality(**options)
    space = label_space('fgbg', CLASSES)
    metric.dataset_meta = dict(classes=space.classes, class_names=CLASSES, label_space=space.metainfo)
    for part in (data[:9], data[9:]):
        metric.process(None, part)
    return metric.evaluate(len(data))


def arrays(data, key='pred_sem_seg'):
    return np.stack([sample[key]['data'].numpy() for sample in data])


@pytest.mark.parametrize('rate', [0.1, 0.3])
def test_by_hand(rate):
    data = samples()
    found = evaluated(data, uncertainty_rate=rate)
    truth, predicted, members = (arrays(data, key) for key in ('gt_sem_seg', 'pred_sem_seg', 'member_sem_seg'))
    assert found['mIoU_fgbg'] == pytest.approx(miou(truth, predicted), abs=0.006)
    singles = [miou(truth[:, 0], members[:, m]) for m in range(3)]
    assert found['single_fgbg'] == pytest.approx(np.mean(singles), abs=0.006)
    assert found['single_fgbg_std'] == pytest.approx(np.std(singles), abs=0.006)
    uncertainty = np.array([float(sample['uncertainty']) for sample in data])
    kept = np.argsort(uncertainty)[: 20 - int(20 * rate)]
    assert found['kept_fgbg'] == pytest.approx(miou(truth[kept], predicted[kept]), abs=0.006)
    wrong = (truth != predicted).mean((1, 2, 3))
    expected = np.corrcoef(rankdata(uncertainty), rankdata(wrong))[0, 1]
    assert found['spearman'] == pytest.approx(expected, abs=0.0006)
    assert {'mIoU_classes', 'single_classes', 'kept_classes'} <= found.keys()


def test_without_members():
    data = [{key: value for key, value in sample.items() if key != 'member_sem_seg'} for sample in samples()]
    found = evaluated(data)
    assert 'kept_fgbg' in found and not any(key.startswith('single') for key in found)


def test_ignored_pixels_are_no_errors():
    data = samples()
    for sample in data:
        wrong = sample['gt_sem_seg']['data'] != sample['pred_sem_seg']['data']
        sample['gt_sem_seg']['data'][wrong] = 255
    assert evaluated(data)['mIoU_fgbg'] == 100


def test_no_correlation_of_what_is_constant():
    data = [dict(sample, uncertainty=torch.tensor([0.0])) for sample in samples()]
    assert 'spearman' not in evaluated(data)


def test_rate_out_of_range():
    with pytest.raises(InputError, match='uncertainty_rate'):
        EnsembleQuality(uncertainty_rate=1.0)
