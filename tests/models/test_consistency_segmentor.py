"""ConsistencySegmentor and its strong views against values by hand, mmseg and torchvision."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.structures import PixelData
from mmseg.models import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import nn
from torchvision.transforms.v2 import functional as TF

from mmbdg.datasets import MixedDataset
from mmbdg.engine import SourceRatioSampler
from mmbdg.engine.checks import consistency_problems
from mmbdg.errors import InputError
from mmbdg.models import ConsistencySegmentor
from mmbdg.models.consistency_segmentor import NO_TARGET
from mmbdg.models.strong_views import StrongViews

SIZE, LABELS = 6, 4
MEAN, STD = [120.0, 110.0, 100.0], [60.0, 50.0, 40.0]
UNCHANGED = dict(jitter_prob=0, grey_prob=0, blur_prob=0, cutmix_prob=0)
CROSS_ENTROPY = dict(type='mmseg.CrossEntropyLoss')


class Pixels(nn.Module):
    """Backbone: the pixels themselves, or with a batch norm."""

    def __init__(self, norm: bool = False) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3) if norm else nn.Identity()

    def forward(self, x):
        return (self.norm(x),)


class Doubled(nn.Module):
    """Neck."""

    def forward(self, features):
        return tuple(2 * feature for feature in features)


def config(norm: bool = False, **head) -> dict:
    plain = dict(type='mmseg.FCNHead', in_channels=3, channels=3, num_convs=0, concat_input=False, dropout_ratio=0, align_corners=False)
    return dict(
        data_preprocessor=dict(type='mmseg.SegDataPreProcessor', mean=MEAN, std=STD, bgr_to_rgb=True, size=(SIZE, SIZE)),
        backbone=dict(type=Pixels, norm=norm),
        test_cfg=ConfigDict(mode='whole'),
        decode_head=plain | dict(num_classes=LABELS, loss_decode=CROSS_ENTROPY) | head,
    )


def built(kind=ConsistencySegmentor, norm: bool = False, head: dict | None = None, **keys) -> nn.Module:
    """A network whose logits are a linear function of the pixel."""
    torch.manual_seed(0)
    model = kind(**config(norm, **head or {}) | keys)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith('decode_head'):
                parameter.copy_(2 * torch.randn(parameter.shape))
    return model.train()


def batch(sources: str = 'luulu', height: int = SIZE, masks: str = 'lu', seed: int = 1) -> dict:
    """l: labelled, u: unlabelled; all images have ``height`` rows, and the rest is padding."""
    generator = torch.Generator().manual_seed(seed)
    images, samples = [], []
    for source in sources:
        images.append(torch.randint(0, 256, (3, height, SIZE), dtype=torch.uint8, generator=generator))
        sample = SegDataSample(metainfo=dict(img_shape=(height, SIZE), source=dict(l='labelled', u='unlabelled')[source]))
        labels = torch.randint(0, LABELS, (1, height, SIZE), generator=generator)
        if source in masks:
            sample.gt_sem_seg = PixelData(data=labels)
        samples.append(sample)
    return dict(inputs=images, data_samples=samples)


def losses_of(model: nn.Module, data: dict) -> dict[str, torch.Tensor]:
    return model(**model.data_preprocessor(copy.deepcopy(data), True), mode='loss')


def log_probabilities(model: nn.Module, images: list[torch.Tensor]) -> np.ndarray:
    """By hand in float64: (N,pixels,labels) of stored BGR images."""
    weight, bias = (one.detach().double().numpy() for one in model.decode_head.conv_seg.parameters())
    rgb = np.stack([image.double().numpy()[::-1].reshape(3, -1).T for image in images])
    logits = (rgb - MEAN) / STD @ weight[:, :, 0, 0].T + bias
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.fixture(autouse=True)
def info(monkeypatch) -> dict:
    """What the Runner tells: without an iteration at first."""
    found = MessageHub.get_current_instance().runtime_info
    monkeypatch.delitem(found, 'iter', raising=False)
    monkeypatch.setitem(found, 'seed', 3)
    return found


@pytest.mark.parametrize('momentum', [0.0, 0.9])
def test_loss_and_log_by_hand(momentum):
    """Without augmentation the loss is the mean over pixels of -log of the largest probability, where it reaches the threshold."""
    model, data = built(threshold=0.8, weight=0.5, momentum=momentum, strong=UNCHANGED), batch(height=5)
    found = losses_of(model, data)
    best = log_probabilities(model, [data['inputs'][place] for place in (1, 2, 4)]).max(-1)
    chosen = np.exp(best) >= 0.8
    labels = log_probabilities(model, [data['inputs'][place] for place in (1, 2, 4)]).argmax(-1)[chosen]
    assert 10 < chosen.sum() < 80 and best.size == 3 * 5 * SIZE  # the sixth row is padding
    assert found['consistency.loss_ce'].item() == pytest.approx(0.5 * -best[chosen].sum() / best.size, rel=1e-4)
    assert found['consistency.confident'].item() == pytest.approx(chosen.mean())
    assert found['consistency.largest_label'].item() == pytest.approx(np.bincount(labels).max() / len(labels))

    plain = built(EncoderDecoder)
    labelled = {key: [values[0], values[3]] for key, values in data.items()}
    expected = losses_of(plain, labelled)
    assert found.keys() == expected.keys() | {f'consistency.{name}' for name in ('loss_ce', 'confident', 'largest_label')}
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value)
    total = model.parse_losses(found)[0]
    torch.testing.assert_close(total, found['decode.loss_ce'] + found['consistency.loss_ce'])


def test_gradient_is_that_of_fixed_targets():
    """With targets as constants: the gradient of the bias is the mean of probability - target over the chosen pixels."""
    data = batch()
    for momentum in (0.0, 0.9):
        model = built(threshold=0.6, momentum=momentum, strong=UNCHANGED)
        losses_of(model, data)['consistency.loss_ce'].backward()
        probabilities = np.exp(log_probabilities(model, [data['inputs'][place] for place in (1, 2, 4)]))
        chosen = probabilities.max(-1) >= 0.6
        by_hand = (probabilities - np.eye(LABELS)[probabilities.argmax(-1)])[chosen].sum(0) / chosen.size
        np.testing.assert_allclose(model.decode_head.conv_seg.bias.grad.numpy(), by_hand, rtol=1e-3, atol=1e-6)
        if momentum:
            assert all(one.grad is None and not one.requires_grad for one in model.teacher.parameters())


def test_no_pixel_reaches_the_threshold():
    model = built(threshold=0.9, strong=UNCHANGED)
    nn.init.zeros_(model.decode_head.conv_seg.weight)
    nn.init.zeros_(model.decode_head.conv_seg.bias)
    found = losses_of(model, batch())
    assert [found[f'consistency.{name}'].item() for name in ('loss_ce', 'confident', 'largest_label')] == [0, 0, 0]
    model.parse_losses(found)[0].backward()
    assert torch.isfinite(model.decode_head.conv_seg.weight.grad).all()


def test_ramp_up(info):
    model, data = built(threshold=0.5, weight=2.0, ramp_up=10, strong=UNCHANGED), batch()
    full = losses_of(model, data)['consistency.loss_ce'].item()
    assert full > 0
    for iteration, share in ((0, 0), (1, 0.1), (5, 0.5), (10, 1), (25, 1)):
        info['iter'] = iteration
        assert losses_of(model, data)['consistency.loss_ce'].item() == pytest.approx(full * share)
    model.ramp_up = 0
    info['iter'] = 0
    assert losses_of(model, data)['consistency.loss_ce'].item() == pytest.approx(full)


def test_the_teacher_is_an_average():
    """Its weights and the statistics of its batch norms; it labels with them, not with those of the network."""
    model, data = built(norm=True, momentum=0.75, threshold=0.5, strong=UNCHANGED).double(), batch()
    names = ['backbone.norm.running_mean', 'backbone.norm.weight', 'decode_head.conv_seg.weight']
    first = {name: model.state_dict()[name].clone() for name in names}
    losses_of(model, data)
    teacher = model.teacher.module.state_dict()
    assert all(torch.equal(teacher[name], value) for name, value in first.items())  # the update precedes the forward pass
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 1
    second = {name: model.state_dict()[name].clone() for name in names}
    assert not torch.equal(first[names[0]], second[names[0]])
    losses_of(model, data)
    teacher = model.teacher.module.state_dict()
    for name in names:
        torch.testing.assert_close(teacher[name], 0.75 * first[name] + 0.25 * second[name])

    ready = model.data_preprocessor(copy.deepcopy(data), True)
    targets = model.pseudo_labels(ready['inputs'], ready['data_samples'])[0]
    alone = built(EncoderDecoder, norm=True).double().eval()
    alone.load_state_dict(model.teacher.module.state_dict())
    probabilities = alone._forward(ready['inputs']).softmax(1)
    expected = torch.where(probabilities.amax(1) >= 0.5, probabilities.argmax(1), NO_TARGET)
    assert torch.equal(targets[:, 0], expected)
    alone.load_state_dict({key: value for key, value in model.state_dict().items() if not key.startswith('teacher')})
    assert not torch.equal(alone._forward(ready['inputs']).argmax(1), probabilities.argmax(1))
    assert model.backbone.training and model.teacher.module.training  # as before


def test_batch_norms_see_labelled_and_strong_images_together():
    model, data = built(norm=True, momentum=0, strong=UNCHANGED), batch()
    losses_of(model, data)
    images = model.data_preprocessor(copy.deepcopy(data), True)['inputs']
    torch.testing.assert_close(model.backbone.norm.running_mean, 0.1 * images.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)
    assert model.backbone.norm.num_batches_tracked == 1


def test_neck_and_auxiliary_head():
    auxiliary = config()['decode_head'] | dict(loss_decode=dict(CROSS_ENTROPY, loss_weight=0.4))
    more = dict(neck=dict(type=Doubled), auxiliary_head=auxiliary, threshold=0.5)
    model, plain = built(strong=UNCHANGED, **more), built(EncoderDecoder, neck=more['neck'], auxiliary_head=auxiliary)
    plain.load_state_dict(model.state_dict(), strict=False)
    found, expected = losses_of(model, batch()), losses_of(plain, {key: [values[0], values[3]] for key, values in batch().items()})
    for key in ('decode.loss_ce', 'aux.loss_ce'):
        torch.testing.assert_close(found[key], expected[key])
    assert found['consistency.loss_ce'] > 0


def test_weights_are_those_of_mmseg():
    model, plain = built(norm=True), built(EncoderDecoder, norm=True)
    missing, unexpected = plain.load_state_dict(model.state_dict(), strict=False)
    assert not missing and unexpected and all(key.startswith('teacher.') for key in unexpected)
    plain.load_state_dict(built(norm=True, momentum=0).state_dict())  # strict
    missing, unexpected = model.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected and all(key.startswith('teacher.') for key in missing)
    ready = model.data_preprocessor(batch(), False)
    model.eval()
    plain.eval()
    predicted = [one(copy.deepcopy(ready['inputs']), mode='predict') for one in (model, plain)]
    assert all(torch.equal(a.seg_logits.data, b.seg_logits.data) for a, b in zip(*predicted, strict=True))


def test_labels_of_the_unlabelled_part_have_no_influence():
    data = batch()
    other, model = batch(masks='l'), built(threshold=0.5)
    found = []
    for one in (data, other):
        torch.manual_seed(5)
        found.append(losses_of(model, one))
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    data['data_samples'][0].gt_sem_seg.data[:] = 0
    assert losses_of(model, data)['decode.loss_ce'] != found[0]['decode.loss_ce']


def test_mixed_precision():
    model, data = built(threshold=0.5, strong=UNCHANGED), batch()
    exact = losses_of(model, data)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = losses_of(model, data)
    assert found['consistency.loss_ce'].dtype == torch.float32
    assert found['consistency.loss_ce'].item() == pytest.approx(exact['consistency.loss_ce'].item(), rel=0.05)
    model.parse_losses(found)[0].backward()
    assert torch.isfinite(model.decode_head.conv_seg.weight.grad).all()


def test_random_numbers_are_those_of_the_iteration(info):
    model, data = built(threshold=0.3), batch('luuuuuu')
    info['iter'] = 7
    state = torch.get_rng_state()
    first = losses_of(model, data)['consistency.loss_ce']
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    assert torch.equal(losses_of(model, data)['consistency.loss_ce'], first)
    for key, value in (('iter', 8), ('seed', 4)):
        before, info[key] = info[key], value
        assert losses_of(model, data)['consistency.loss_ce'] != first
        info[key] = before


def test_strong_views_of_preprocessed_images():
    """Colours are changed in RGB in [0,1]: unchanged they come back; grey is torchvision's."""
    images = batch('uuu')['inputs']
    ones = torch.ones(3, 1, SIZE, SIZE)
    for grey in (0, 1):
        model = built(strong=UNCHANGED | dict(grey_prob=grey))
        inputs = model.data_preprocessor(batch('uuu'), True)['inputs']
        views = model.strong(inputs, ones.long(), ones.bool())[0]
        rgb = torch.stack([image.flip(0) for image in images]) / 255
        expected = TF.rgb_to_grayscale(rgb, 3) if grey else rgb
        mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
        torch.testing.assert_close(views, (expected * 255 - mean) / std, atol=1e-4, rtol=1e-4)
    torch.manual_seed(0)
    made = StrongViews(jitter_prob=1, grey_prob=0, blur_prob=0).coloured(torch.full((4, 3, 2, 2), 0.5))
    assert len({round(one.mean().item(), 4) for one in made}) == 4  # each image has its own numbers


def test_cutmix_mixes_image_and_target_alike():
    """Every pixel of an image, its target and its mask come from the same image: the image itself, or in a box the one before it."""
    torch.manual_seed(0)
    count, size = 8, 16
    own = torch.arange(count)[:, None, None, None].expand(count, 1, size, size)
    shares = []
    for _ in range(20):
        images, targets, valid = StrongViews(cutmix_prob=1).mixed(own.expand(-1, 3, -1, -1).float(), own - 1, own % 2 == 0)
        assert (images.dtype, targets.dtype, valid.dtype) == (torch.float32, torch.int64, torch.bool)
        source = targets + 1
        assert torch.equal(images, source.expand(-1, 3, -1, -1).float()) and torch.equal(valid, source % 2 == 0)
        for image in range(count):
            box = source[image, 0] != image
            assert (source[image, 0][box] == (image - 1) % count).all()
            assert box.sum() == box.any(0).sum() * box.any(1).sum()  # a rectangle
            shares.append(box.float().mean().item())
    assert len(set(shares)) > 30 and 0.2 < np.mean(shares) < 0.5
    assert torch.equal(StrongViews(cutmix_prob=0).mixed(own)[0], own)
    half = [(StrongViews(cutmix_prob=0.5).mixed(own)[0] != own).flatten(1).any(1) for _ in range(20)]
    assert 0.3 < torch.cat(half).float().mean() < 0.6


def test_views_and_targets_of_a_batch_are_mixed():
    """Images of one grey level each: the level of every pixel tells its target and whether it is padding."""
    torch.manual_seed(0)
    model, levels = built(strong=UNCHANGED | dict(cutmix_prob=1)), torch.arange(8)[:, None, None, None].expand(8, 1, 16, 16)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    views, targets, valid = model.strong((10 * levels - mean) / std, levels, levels > 3)
    torch.testing.assert_close(views * std + mean, 10.0 * targets.expand(-1, 3, -1, -1), atol=1e-3, rtol=0)
    assert torch.equal(valid, targets > 3) and (targets != levels).flatten(1).any(1).sum() >= 4


def test_a_batch_of_a_mixed_dataset():
    labelled = dict(type='mmbdg.FashionMNIST32', split='test', label_fraction=0.02, pipeline=[dict(type='mmseg.PackSegInputs')])
    dataset = MixedDataset(dict(labelled=labelled, more=labelled | dict(label_fraction=0.03)))
    sampler = SourceRatioSampler(dataset, 4, dict(labelled=1, more=3), seed=0)
    numbers = iter(sampler)
    data = pseudo_collate([dataset[next(numbers)] for _ in range(4)])
    preprocessor = config()['data_preprocessor'] | dict(size=(32, 32))
    model = built(unlabelled='more', threshold=0.3, head=dict(num_classes=11), data_preprocessor=preprocessor)
    assert losses_of(model, data)['consistency.loss_ce'] > 0
    loader = SimpleNamespace(dataset=dataset)
    assert not list(consistency_problems(loader, model)) and not list(consistency_problems(loader, nn.Identity()))
    model.unlabelled = 'mores'
    (problem,) = consistency_problems(loader, model)
    assert (
        'model.unlabelled="mores": train_dataloader.dataset has no part of this name, only labelled, more; did you mean "more"?' in problem
    )
    with pytest.raises(InputError, match='no image of the part "mores".*only of labelled, more; did you mean "more"'):
        losses_of(model, data)
    (problem,) = consistency_problems(SimpleNamespace(dataset=dataset.parts['labelled']), model)
    assert 'train_dataloader.dataset is a FashionMNIST32: set it to' in problem
    model.unlabelled = 'labelled'
    (problem,) = consistency_problems(SimpleNamespace(dataset=MixedDataset(dict(labelled=labelled))), model)
    assert 'no labelled part: add one beside "labelled"' in problem


def test_batches_that_are_refused():
    model, unmarked = built(), batch()
    for sources, message in (('uuu', 'a batch of 3 images has no labelled one'), ('ll', 'no image of the part "unlabelled"')):
        with pytest.raises(InputError, match=message):
            losses_of(model, batch(sources))
    unmarked['data_samples'][1] = SegDataSample()
    with pytest.raises(InputError, match='samples that do not name their part'):
        losses_of(model, unmarked)
    with pytest.raises(InputError, match='takes one batch of images, not parts'):
        model.loss(dict(real=None), dict(real=None))


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (dict(threshold=1.0), 'threshold is at least 0 and below 1, got 1.0'),
        (dict(threshold=-0.1), 'threshold is at least 0'),
        (dict(threshold=float('nan')), 'threshold is at least 0'),
        (dict(momentum=1.0), 'momentum is at least 0 and below 1'),
        (dict(weight=-1), 'weight is at least 0, got -1'),
        (dict(ramp_up=-1), 'ramp_up is a whole number of iterations'),
        (dict(ramp_up=2.5), 'ramp_up is a whole number of iterations'),
        (dict(head=dict(num_classes=2, out_channels=1, threshold=0.5)), 'FCNHead has sigmoid outputs'),
        (dict(head=dict(loss_decode=dict(CROSS_ENTROPY, use_sigmoid=True))), 'FCNHead has sigmoid outputs'),
        (dict(head=dict(loss_decode=[CROSS_ENTROPY, dict(type='mmseg.DiceLoss', loss_name='loss_dice')])), 'FCNHead has sigmoid outputs'),
        (dict(data_preprocessor=None), 'data_preprocessor is a BaseDataPreprocessor'),
        (dict(strong=dict(blur=1)), r'strong.blur: there is no such setting, only jitter, .*; did you mean "blur'),
        (dict(strong=dict(cutmix_prob=2)), 'strong.cutmix_prob is a probability'),
        (dict(strong=dict(grey_prob=2)), 'strong.grey_prob is a probability'),
        (dict(strong=dict(hue=0.7)), 'strong: hue'),
        (dict(strong=dict(blur_sigma=(0.0, 1.0))), 'strong: sigma'),
        (dict(strong=dict(blur_sigma=(1.0,))), 'strong.blur_sigma is a pair'),
        (dict(strong=[1]), 'strong is a dict of settings'),
    ],
)
def test_settings_that_are_refused(keys, message):
    with pytest.raises(InputError, match=message):
        built(**keys)


def test_heads_whose_loss_is_another():
    class Own(type(built().decode_head)):
        def loss(self, *args):
            raise NotImplementedError

    with pytest.raises(InputError, match='the loss of Own is not that of its logits'):
        built(head=dict(type=Own))

    class Two(type(built().decode_head)):
        def forward(self, inputs):
            return super().forward(inputs), None

    with pytest.raises(InputError, match='Two gives tuple, not one map of logits'):
        losses_of(built(head=dict(type=Two)), batch())
