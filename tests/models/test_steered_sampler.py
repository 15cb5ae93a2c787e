"""Steered synthesis: which candidate is chosen, and that choosing leaves no trace in the training."""

import copy
import math
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ROOT
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import nn
from torch.utils.data import DataLoader

from mmbdg.compat.config import read_config
from mmbdg.datasets import FashionMNIST32, OnlineSyntheticDataset
from mmbdg.engine import AddressedSampler, SteeringHook
from mmbdg.engine.checks import address_problems
from mmbdg.engine.config_changes import fit_data_loaders
from mmbdg.engine.hooks.standing_hooks import add_standing_hooks
from mmbdg.engine.plain_runner import PlainRunner
from mmbdg.errors import InputError
from mmbdg.models import OnlineDataPreprocessor, SteeredSampler
from mmbdg.models.online_sampling import SPARE
from mmbdg.models.steered_sampler import connect_steering, mean_entropy
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator

SLOPES = np.array([0.0, 0.01, -0.02], np.float32)


@pytest.fixture(autouse=True, scope='module')
def loaded_once():
    """The tests share the networks of the labelled generator, which take a second to load."""
    load, generators = LabelledGenerator.load, {}

    def shared(path, **options):
        key = path, str(options)
        generators[key] = generators.get(key) or load(path, **options)
        return generators[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LabelledGenerator, 'load', shared)
        yield


class Known(BaseSegmentor):
    """A network of known predictions: logit c of a pixel is its brightness (mean of the channels) times a slope."""

    def predict(self, inputs, data_samples=None):
        assert not self.training and not torch.is_grad_enabled()
        logits = inputs.mean(1, keepdim=True) * torch.from_numpy(SLOPES)[:, None, None]
        for sample, values in zip(data_samples, logits, strict=True):
            sample.seg_logits = PixelData(data=values[:, : sample.ori_shape[0], : sample.ori_shape[1]])
        return data_samples

    encode_decode = extract_feat = loss = _forward = predict


def numpy_score(image, counted):
    """Mean entropy of :class:`Known` over the counted pixels of an image, uint8 (H,W,3)."""
    logits = image.astype(np.float64).mean(-1)[..., None] * SLOPES
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return (-(p * np.log(p)).sum(-1))[counted].mean()


def preprocessor(candidates=3, sampling=None, **options):
    steering = dict(candidates=candidates)
    return OnlineDataPreprocessor('fashion32', precision='float32', sampling=dict(steering=steering, **(sampling or {})), **options)


def known(online):
    model = Known(data_preprocessor=online)
    connect_steering(model)
    return model.train()


def batch(numbers, **options):
    dataset = OnlineSyntheticDataset('fashion32', seed=5, **options)
    return pseudo_collate([dataset[n] for n in numbers])


def chosen(out):
    return [(sample.class_id, sample.index % SPARE, sample.index // SPARE) for sample in out['data_samples']]


def logged(name):
    return MessageHub.get_current_instance().get_scalar(f'train/online_{name}').data[0][-1]


def unet(**options):
    """A U-Net of 4 channels and 2 levels that trains on 4 online samples per step."""
    return read_config(ROOT / 'configs/transfer/fashion/unet_32px_online.py', dict(candidates=3, width=4, levels=2, iterations=4) | options)


def built(cfg):
    with DefaultScope.overwrite_default_scope('mmseg'):
        torch.manual_seed(1)
        return MODELS.build(cfg.model)


def test_entropy():
    p = np.random.default_rng(0).dirichlet(np.ones(4), (2, 3, 5)).transpose(0, 3, 1, 2)
    p[0, :, 0, 0], p[0, :, 0, 1] = 0.25, [0, 0, 1, 0]
    counted = np.random.default_rng(1).random((2, 3, 5)) < 0.5
    expected = [np.mean([-sum(v * math.log(v) for v in p[n, :, y, x] if v) for y, x in np.argwhere(counted[n])]) for n in range(2)]
    assert mean_entropy(torch.from_numpy(p), torch.from_numpy(counted)).tolist() == pytest.approx(expected)
    one = np.zeros((2, 3, 5), bool)
    one[0, 0, 0] = True
    assert mean_entropy(torch.from_numpy(p), torch.from_numpy(one)).tolist() == pytest.approx([math.log(4), 0])
    one[0, 0, :2] = True
    assert mean_entropy(torch.from_numpy(p), torch.from_numpy(one))[0].item() == pytest.approx(math.log(4) / 2)


ADDRESSES = [OnlineSyntheticDataset('fashion32', seed=5).address(n) for n in range(10)]


@pytest.fixture(scope='module')
def four():
    """Images uint8 (10,4,32,32,3), disagreement (10,4,32,32) and uncertainty (10,4) of four candidates of ten addresses."""
    generator = LabelledGenerator.load('fashion32', precision='float32', compile=False, members=3)
    generator.seed = 5
    made = generator.label([c for c, _ in ADDRESSES for k in range(4)], [i + k * SPARE for _, i in ADDRESSES for k in range(4)])
    return (
        made.images.permute(0, 2, 3, 1).reshape(10, 4, 32, 32, 3).numpy(),
        made.disagreement.reshape(10, 4, 32, 32).numpy(),
        made.uncertainty.reshape(10, 4).numpy(),
    )


@pytest.mark.parametrize('padded', [False, True])
def test_the_least_certain_candidate_is_taken(four, padded):
    """The choice, the scores and the log by hand; pixels that the labeller ignores and pixels of the padding do not count."""
    model = known(preprocessor(3, members=3, ignore_above=0.002, **(dict(size=(40, 40)) if padded else {})))
    out = model.data_preprocessor(batch(range(10)), True)
    images, disagreement, _ = four
    scores = np.array([[numpy_score(images[n, k], disagreement[n, k] <= 0.002) for k in range(3)] for n in range(10)])
    expected = scores.argmax(1)
    everything = [[numpy_score(images[n, k], np.ones((32, 32), bool)) for k in range(3)] for n in range(10)]
    assert abs(np.mean(everything) - scores.mean()) > 0.01  # the ignored pixels matter
    assert np.diff(np.sort(scores, 1)[:, 1:]).min() > 1e-4 and set(expected) == {0, 1, 2}
    assert chosen(out) == [(c, i, k) for (c, i), k in zip(ADDRESSES, expected, strict=True)]
    for n, image in enumerate(out['inputs']):
        assert abs(image[:, :32, :32].numpy()[::-1].transpose(1, 2, 0) - images[n, expected[n]]).max() <= 1
    assert logged('steered') == pytest.approx((expected > 0).mean())
    assert logged('score_taken') == pytest.approx(scores.max(1).mean(), abs=1e-4)
    assert logged('score_candidates') == pytest.approx(scores.mean(), abs=1e-4)


def test_what_the_labeller_cannot_label_is_not_taken(four):
    """Candidates above the bound are not taken; where all are above it, the replacements come from the addresses after the candidates."""
    images, _, uncertainty = four
    bound, expected = float(np.quantile(uncertainty, 0.4)), []
    for n in range(10):
        passed = [k for k in range(3) if uncertainty[n, k] <= bound]
        expected.append(max(passed, key=lambda k: numpy_score(images[n, k], np.ones((32, 32), bool))) if passed else 3)
    model = known(preprocessor(3, dict(max_uncertainty=bound, redraws=1), members=3))
    out = model.data_preprocessor(batch(range(10)), True)
    assert [k for *_, k in chosen(out)] == expected and set(expected) == {0, 1, 2, 3}
    none_left = [k == 3 and uncertainty[n, 3] > bound for n, k in enumerate(expected)]
    assert [bool((sample.gt_sem_seg.data == 255).all()) for sample in out['data_samples']] == none_left and any(none_left)
    assert (logged('redrawn'), logged('ignored')) == (expected.count(3), sum(none_left))
    assert logged('steered') == pytest.approx(np.mean([k in (1, 2) for k in expected]))
    assert [(c, i) for c, i, _ in chosen(out)] == ADDRESSES  # the class balance stays


@pytest.mark.parametrize('augmentation', [None, dict(size=24, brightness=0.3)])
def test_any_number_of_processes(augmentation):
    """Each process makes its own samples; with the same network all choices are those of one process."""
    model = known(preprocessor(4, augmentation=augmentation))
    whole = chosen(model.data_preprocessor(batch(range(12)), True))
    parts = [chosen(model.data_preprocessor(batch(range(rank, 12, 3)), True)) for rank in range(3)]
    assert [parts[n % 3][n // 3] for n in range(12)] == whole and any(k for *_, k in whole)


def test_one_candidate_is_no_steering():
    plain = OnlineDataPreprocessor('fashion32', precision='float32')
    expected = plain(batch(range(6)), True)
    for online in (preprocessor(1), preprocessor(4)):  # the first without any network, the second outside a training
        out = online(batch(range(6)), training=online.steering.candidates == 1)
        assert torch.equal(out['inputs'], expected['inputs'])
        for sample, other in zip(out['data_samples'], expected['data_samples'], strict=True):
            assert sample.index == other.index and torch.equal(sample.gt_sem_seg.data, other.gt_sem_seg.data)


def states():
    return torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate()


def test_the_network_stays_as_it_is():
    """Scores change no weight, no statistic, no mode, no gradient and no random state, and the network is no part of the preprocessor."""
    cfg = unet()
    cfg.model.decode_head.dropout_ratio = 0.5
    model = built(cfg).train()
    frozen = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d)).eval()
    names = [name for name, _ in model.named_modules()], list(model.state_dict()), [name for name, _ in model.named_parameters()]
    connect_steering(model)
    assert names == ([name for name, _ in model.named_modules()], list(model.state_dict()), [name for name, _ in model.named_parameters()])
    before, modes, random_states = copy.deepcopy(model.state_dict()), [m.training for m in model.modules()], states()
    out = model.data_preprocessor(batch(range(8)), True)
    assert any(k for *_, k in chosen(out)) and not out['inputs'].requires_grad
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert [m.training for m in model.modules()] == modes and not frozen.training and model.training
    assert states() == random_states and torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any('seg_logits' in sample or 'pred_sem_seg' in sample for sample in out['data_samples'])
    assert copy.deepcopy(model).data_preprocessor.steering.learner is not model  # e.g. an average of the weights follows itself


def test_gradients_under_mixed_precision():
    """The training step after the scores has all gradients: autocast's cache holds no weights of a pass without gradients."""
    model = built(unet()).train()
    connect_steering(model)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        data = model.data_preprocessor(batch(range(4)), True)
        loss = model(**data, mode='loss')['decode.loss_ce']
    loss.backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0
        for name, parameter in model.named_parameters()
        if 'conv.weight' in name
    )


def test_joint_pre_training():
    """The scores are those of the segmentation branch, and the checkpoint does not change."""
    cfg = read_config(ROOT / 'configs/densecl_biggan_fpn_online.py')
    cfg.model.queue_len = 8
    cfg.model.data_preprocessor.seg.sampling = dict(steering=dict(candidates=2))
    torch.manual_seed(0)
    model = revert_sync_batchnorm(MODELS.build(cfg.model)).train()
    keys = list(model.state_dict())
    connect_steering(model)
    online = model.data_preprocessor.seg
    assert online.steering.learner is model and list(model.state_dict()) == keys
    before = copy.deepcopy(model.state_dict())
    out = online(batch(range(4)), True)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    online.steering = None
    candidates = []
    for k in range(2):
        data = batch(range(4))
        for address in data['inputs']:
            address[2] += k * SPARE
        data = online(data, True)
        model.eval()
        with torch.no_grad():
            logits = torch.stack([sample.seg_logits.data for sample in model.predict(**data)]).double().numpy()
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        candidates.append(-(p * np.log(p)).sum(1).mean((1, 2)))
    assert [k for *_, k in chosen(out)] == np.argmax(candidates, 0).tolist()


def test_one_channel():
    """The predictions of a network with one output hold probabilities."""

    class Binary(Known):
        def predict(self, inputs, data_samples=None):
            for sample, image in zip(data_samples, inputs, strict=True):
                sample.seg_logits = PixelData(data=image[:1])
            return data_samples

    steering, p = SteeredSampler(2), np.array([[[0.1, 0.5]], [[0.9, 0.75]]], np.float32)
    steering.follow(Binary())
    samples = [SegDataSample(metainfo=dict(ori_shape=(1, 2), ignore=255)) for _ in p]
    for sample, mask in zip(samples, ([[0, 1]], [[255, 0]]), strict=True):
        sample.gt_sem_seg = PixelData(data=torch.tensor([mask]))
    expected = [np.mean([_binary(0.1), _binary(0.5)]), _binary(0.75)]
    assert steering.scores(torch.from_numpy(p)[:, None], samples) == pytest.approx(expected)


def _binary(p):
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def train(work_dir, resume=None, **options):
    """Final state, and the choices of every step, of a training of 4 steps with 4 samples each and a checkpoint after each."""
    cfg = unet(**options)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator', 'test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg.pop(key, None)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4)
    cfg.train_dataloader.update(batch_size=4, num_workers=0)
    cfg.default_hooks = dict(logger=None, checkpoint=dict(type='CheckpointHook', interval=1, by_epoch=False, max_keep_ckpts=-1))
    cfg.custom_hooks, cfg.launcher, cfg.log_level, cfg.work_dir = [], 'none', 'ERROR', str(work_dir)
    cfg.load_from, cfg.resume, cfg.randomness = resume and str(resume), bool(resume), dict(seed=3)
    cfg.experiment_name = f'steered_{work_dir.name}'
    fit_data_loaders(cfg)
    add_standing_hooks(cfg)
    runner = PlainRunner.from_cfg(cfg)
    made, choices = runner.model.data_preprocessor.make, []

    def recorded(*args):
        images, samples = made(*args)
        choices.append([(sample.class_id, sample.index) for sample in samples])
        return images, samples

    runner.model.data_preprocessor.make = recorded
    runner.train()
    return copy.deepcopy(runner.model.state_dict()), choices


def test_a_resumed_training_is_the_same(tmp_path):
    """A training that resumes after two steps chooses the same candidates and ends with the same bytes."""
    state, choices = train(tmp_path / 'whole')
    resumed, later = train(tmp_path / 'resumed', tmp_path / 'whole' / 'iter_2.pth')
    assert len(choices) == 4 and later == choices[2:]
    assert state.keys() == resumed.keys() and all(torch.equal(value, resumed[key]) for key, value in state.items())
    assert any(index >= SPARE for step in later for _, index in step)
    plain, firsts = train(tmp_path / 'plain', candidates=1)
    assert all(index < SPARE for step in firsts for _, index in step) and state.keys() == plain.keys()
    assert any(not torch.equal(value, plain[key]) for key, value in state.items())


@pytest.mark.parametrize('candidates', [0, -1, 2.0, '4', True, None])
def test_a_wrong_number_of_candidates(candidates):
    with pytest.raises(InputError, match='candidates must be a whole number of at least 1, got'):
        preprocessor(candidates)


def test_mistakes_are_named():
    with pytest.raises(InputError, match="score must be one of entropy, got 'entropie'"):
        OnlineDataPreprocessor('fashion32', sampling=dict(steering=dict(score='entropie')))
    with pytest.raises(InputError, match=r'sampling.steering must be a dict such as dict\(candidates=4\), or None, got 4'):
        OnlineDataPreprocessor('fashion32', sampling=dict(steering=4))
    with pytest.raises(InputError, match='one member is never uncertain'):
        preprocessor(4, dict(max_uncertainty=0.1))
    with pytest.raises(InputError, match=r"custom_hooks=\[dict\(type='mmbdg.SteeringHook'\)\]"):
        preprocessor(2)(batch(range(2)), True)
    other = nn.Module()
    other.data_preprocessor = preprocessor(2)
    with pytest.raises(InputError, match='a network that predicts label maps .* not Module'):
        SteeringHook().before_train(SimpleNamespace(model=other))
    without_logits = known(preprocessor(2))
    without_logits.predict = lambda inputs, data_samples: data_samples
    with pytest.raises(InputError, match='the predictions of Known lack'):
        without_logits.data_preprocessor(batch(range(2)), True)


def test_steering_needs_online_samples():
    model = known(preprocessor(2))
    real = FashionMNIST32('test')
    (problem,) = address_problems(DataLoader(real), model)
    assert 'steering chooses among online samples, but the training data is a FashionMNIST32' in problem
    online = OnlineSyntheticDataset('fashion32')
    assert not list(address_problems(DataLoader(online, sampler=AddressedSampler(online, seed=0)), model))
    assert not list(address_problems(DataLoader(real), known(OnlineDataPreprocessor('fashion32'))))


def test_steering_in_a_mixed_batch():
    """Beside real images the same candidates are chosen as in a batch of addresses alone, and the real images stay as they are."""
    model, plain = known(preprocessor(size=(32, 32))), MODELS.build(dict(type='mmseg.SegDataPreProcessor', size=(32, 32)))
    made, real = batch(range(3)), dict(inputs=[torch.full((3, 32, 32), 9, dtype=torch.uint8)], data_samples=[SegDataSample()])
    real['data_samples'][0].gt_sem_seg = PixelData(data=torch.ones(1, 32, 32).long())
    alone = model.data_preprocessor(copy.deepcopy(made), True)
    mixed = {key: [*made[key][:1], *real[key], *made[key][1:]] for key in real}
    out = model.data_preprocessor(copy.deepcopy(mixed), True)
    assert torch.equal(out['inputs'][1], plain(copy.deepcopy(real), True)['inputs'][0])
    del out['data_samples'][1]
    assert chosen(out) == chosen(alone) and any(candidate for _, _, candidate in chosen(alone))
    assert torch.equal(out['inputs'][[0, 2, 3]], alone['inputs'])
