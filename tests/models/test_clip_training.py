"""Training of CLIP: losses against a reference implementation and open_clip, predictions, and the exported folder."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from mmbdg.embedders import OpenCLIP, ZeroShotClassifier
from mmbdg.engine import ExportCLIPHook
from mmbdg.errors import InputError
from mmbdg.models import CLIPTraining
from mmbdg.models.clip_training import soft_target_loss, true_captions

open_clip = pytest.importorskip('open_clip')

CONFIG = dict(
    embed_dim=16,
    vision_cfg=dict(image_size=32, layers=1, width=32, patch_size=16, head_width=16),
    text_cfg=dict(context_length=16, width=16, heads=2, layers=1),
    preprocess_cfg=dict(
        size=32, mode='RGB', mean=[0.4, 0.5, 0.6], std=[0.3, 0.2, 0.25], interpolation='bilinear', resize_mode='shortest', fill_color=0
    ),
    words=['a', 'photo', 'of', 'bag', 'boot', 'dark', 'bright'],
    classes=['bag', 'boot'],
    templates=['a photo of a {}', '{}'],
    questions=dict(tone=dict(dark='a dark {}', bright='a bright {}')),
)
LABELS, TEXTS = (0, 1, 0, 1), ('a dark bag', 'a boot', 'a bag', 'a bright boot')
SHOWN = [dict(tone='dark'), dict(tone='bright'), dict(tone=None), dict(tone='dark')]
STATED = [dict(tone='dark'), {}, {}, dict(tone='bright')]


def samples():
    made = []
    for label, text, shown, stated in zip(LABELS, TEXTS, SHOWN, STATED, strict=True):
        sample = DataSample(metainfo=dict(caption=text, attributes=shown, stated=stated))
        made.append(sample.set_gt_label(label))
    return made


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return CLIPTraining(**CONFIG).eval()


@pytest.fixture(scope='module')
def batch():
    return [torch.from_numpy(np.random.default_rng(i).integers(0, 256, (3, 32, 32), dtype=np.uint8)) for i in range(4)]


def test_which_captions_are_true():
    assert true_captions(samples()).int().tolist() == [
        [1, 0, 1, 0],  # a dark bag: "a dark bag", "a bag"
        [0, 1, 0, 1],  # a bright boot: "a boot", "a bright boot"
        [0, 0, 1, 0],  # a bag neither dark nor bright: "a bag" only
        [0, 1, 0, 0],  # a dark boot: not "a bright boot"
    ]


def log_softmax(values):
    return values - np.log(np.exp(values).sum(1, keepdims=True))


def test_the_loss_by_hand():
    logits = torch.randn(4, 4, dtype=torch.float64)
    true = torch.tensor([[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 1], [0, 0, 0, 1]], dtype=torch.bool)
    expected = 0.0
    for values, targets in ((logits.numpy(), true.numpy()), (logits.numpy().T, true.numpy().T)):
        shares = targets / targets.sum(1, keepdims=True)
        expected -= (shares * log_softmax(values)).sum(1).mean() / 2
    assert soft_target_loss(logits, logits.T, true).item() == pytest.approx(expected, rel=1e-6)


def test_pairs_are_open_clips_own_loss(model, batch):
    data = model.data_preprocessor(dict(inputs=batch, data_samples=samples()))
    model.targets = 'pair'
    loss = model(data['inputs'], data['data_samples'], mode='loss')['loss']
    model.targets = 'true'
    other = model(data['inputs'], data['data_samples'], mode='loss')['loss']
    images = model.clip.encode_image(data['inputs'], normalize=True)
    texts = model.clip.encode_text(model.tokenizer(list(TEXTS)), normalize=True)
    scale = model.clip.logit_scale.exp()
    assert loss.item() == pytest.approx(open_clip.ClipLoss()(images, texts, scale).item(), rel=1e-6)
    logits = scale * images @ texts.T
    assert other.item() == pytest.approx(soft_target_loss(logits, logits.T, true_captions(samples())).item(), rel=1e-6)
    assert soft_target_loss(logits, logits.T, torch.eye(4).bool()).item() == pytest.approx(loss.item(), rel=1e-6)


def test_the_exported_folder_is_the_trained_model(model, batch, tmp_path):
    """Training (BGR images) and exported folder (RGB images) have the same preprocessing."""
    from mmengine.runner import save_checkpoint

    save_checkpoint(dict(state_dict=model.state_dict()), str(tmp_path / 'iter_1.pth'))
    logger = SimpleNamespace(info=lambda text: None)
    ExportCLIPHook().export(SimpleNamespace(model=model, work_dir=str(tmp_path), logger=logger), str(tmp_path / 'iter_1.pth'))
    embedder = OpenCLIP(str(tmp_path / 'clip'))
    data = model.data_preprocessor(dict(inputs=batch, data_samples=samples()))
    with torch.no_grad():
        expected = model(data['inputs'], [], mode='tensor')
        predicted = model(data['inputs'], data['data_samples'], mode='predict')
    pictures = [np.ascontiguousarray(image.permute(1, 2, 0).numpy()[..., ::-1]) for image in batch]
    assert torch.allclose(embedder.images(pictures), expected, atol=1e-5)
    cosines = ZeroShotClassifier(embedder, CONFIG['classes'], CONFIG['templates']).scores(pictures)
    scores = (model.clip.logit_scale.detach().exp() * cosines).softmax(1)
    assert torch.allclose(torch.stack([sample.pred_score for sample in predicted]), scores, atol=1e-5)
    for sample, image, label in zip(predicted, expected, LABELS, strict=True):
        dark, bright = (embedder.texts([f'a {tone} {CONFIG["classes"][label]}'])[0] @ image for tone in ('dark', 'bright'))
        assert sample.answers == dict(tone='dark' if dark > bright else 'bright')


def test_bad_settings():
    with pytest.raises(InputError, match='targets of mmbdg.CLIPTraining is "true" or "pair"'):
        CLIPTraining(**CONFIG | dict(targets='class'))
    with pytest.raises(InputError, match='exactly one {}'):
        CLIPTraining(**CONFIG | dict(templates=['a photo']))
    with pytest.raises(InputError, match='predicts only with classes'):
        CLIPTraining(**CONFIG | dict(classes=[], questions=None))(torch.zeros(4, 3, 32, 32), samples(), mode='predict')
