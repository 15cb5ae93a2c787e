"""Image and mask from one diffusion model: losses by hand, wider U-Nets, and the export as a source."""

import copy
import shutil

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from tiny_diffusion import PREPROCESSOR, TINY_SCHEDULER, TINY_TEXT, TINY_UNET, labelled_samples, tiny_autoencoder, tiny_joint_diffusion

from mmbdg.errors import InputError
from mmbdg.models import JointDiffusionTraining
from mmbdg.models.joint_diffusion_training import widened
from mmbdg.sources import DiffusionSource, JointDiffusionSource

MASKS = dict(labels=('background', 'foreground'), patch=2, weight=0.25)
COMMON = dict(classes=('disc', 'square'), num_inference_steps=2, data_preprocessor=PREPROCESSOR)


@pytest.fixture(scope='module')
def model(tiny_text_pipeline):
    return tiny_joint_diffusion(tiny_text_pipeline)


@pytest.fixture(scope='module')
def folder(tiny_joint_pipeline):
    return tiny_joint_pipeline


@pytest.fixture(scope='module')
def older(tiny_joint_pipeline, tmp_path_factory):
    """The same networks with a card that does not say what they predict for the masks."""
    made = tmp_path_factory.mktemp('older') / 'model'
    shutil.copytree(tiny_joint_pipeline, made)
    (made / 'masks.json').write_text('{"labels": ["background", "foreground"], "patch": 2, "scale": 0.5}')
    return made


def test_new_networks(tmp_path):
    tiny_autoencoder(tmp_path)
    parts = dict(autoencoder=str(tmp_path), text_encoder=TINY_TEXT, scheduler=TINY_SCHEDULER)
    made = JointDiffusionTraining(MASKS, **parts, unet=TINY_UNET | dict(in_channels=6, out_channels=6), **COMMON).eval()
    images, masks = made.labelled([0, 1], [0, 0])
    assert images.shape == (2, 3, 16, 16) and masks.shape == (2, 16, 16) and set(masks.unique().tolist()) <= {0, 1}
    with pytest.raises(InputError, match='the autoencoder has 2 latent channels and the masks 4: model.unet.in_channels .* must be 6'):
        JointDiffusionTraining(MASKS, **parts, unet=TINY_UNET, **COMMON)


def test_a_wider_unet_begins_as_the_old_one(model, tiny_text_pipeline):
    """The image part of the prediction is the old one, whatever is in the further channels; the mask part is 0."""
    from mmbdg.models.pipeline_parts import read_parts

    old = read_parts(str(tiny_text_pipeline), 'x').networks['unet'].eval()
    new = widened(old, 4).eval()
    x, text = torch.randn(2, 8, 8, 8), torch.randn(2, 5, 16)
    with torch.no_grad():
        out = new(x, torch.tensor([5, 900]), text).sample
        np.testing.assert_allclose(out[:, :4], old(x[:, :4], torch.tensor([5, 900]), text).sample, atol=1e-5)
    assert not out[:, 4:].any()


def test_losses_by_hand(model, monkeypatch):
    """The mean of the image's errors; the mask's, over pixels with a label, times the weight. What is noised is image, then mask."""
    images, masks = torch.rand(2, 3, 16, 16) * 2 - 1, torch.randint(2, (2, 16, 16))
    masks[0, :4] = 255
    errors, noised = torch.rand(2, 8, 8, 8), []
    monkeypatch.setattr(model, '_errors', lambda latents, class_ids: noised.append(latents) or errors)
    losses = model.loss(images, torch.tensor([0, 1]), masks)
    with torch.no_grad():
        expected = model.autoencoder.encode(images).latent_dist.mode() * model.autoencoder.config.scaling_factor
    torch.testing.assert_close(noised[0][:, :4], expected)
    for i in range(2):
        for j in range(2):
            bits = (masks[:, i::2, j::2] == 1).float() - 0.5
            bits[masks[:, i::2, j::2] == 255] = 0
            assert torch.equal(noised[0][:, 4 + 2 * i + j], bits)
    known = errors[:, 4:].clone()
    known[0, :, :2] = 0
    np.testing.assert_allclose(float(losses['loss_diffusion']), float(errors[:, :4].mean()), rtol=1e-5)
    np.testing.assert_allclose(float(losses['loss_mask']), 0.25 * float(known.sum()) / (2 * 4 * 64 - 4 * 16), rtol=1e-5)


def test_data_samples(model):
    (sample,) = labelled_samples([1], [3])
    sample.set_field(np.ones((16, 16), np.int64), 'gt_seg_map')
    data = dict(inputs=[torch.zeros(3, 16, 16, dtype=torch.uint8)], data_samples=[sample])
    losses = model(**model.data_preprocessor(data, True), mode='loss')
    assert set(losses) == {'loss_diffusion', 'loss_mask'} and all(torch.isfinite(value) for value in losses.values())
    (answer,) = model(**model.data_preprocessor(data, False), mode='predict')
    assert torch.equal(answer.generated, model.labelled([1], [3])[0][0])


@pytest.mark.parametrize('kind', ['sample', None])
def test_targets(model, monkeypatch, kind):
    """The velocity, since the scheduler says so; for the mask the code itself, or with prediction_type=None the velocity too."""
    monkeypatch.setattr(model.mask_code, 'prediction_type', kind)
    monkeypatch.setattr(model, 'scheduler', DDPMScheduler(prediction_type='v_prediction'))
    latents, noise, steps = torch.randn(2, 8, 8, 8), torch.randn(2, 8, 8, 8), torch.tensor([30, 700])
    alpha = model.scheduler.alphas_cumprod[steps].numpy()[:, None, None, None]
    expected = np.sqrt(alpha) * noise.numpy() - np.sqrt(1 - alpha) * latents.numpy()
    if kind:
        expected[:, 4:] = latents[:, 4:]
    np.testing.assert_allclose(model._target(latents, noise, steps), expected, atol=1e-5)


def test_a_perfect_predictor_gives_back_the_mask(model, folder, monkeypatch):
    """A last layer that always predicts the code of one mask: validations and the source sample this mask, with guidance."""
    mask = torch.tensor([[0, 1], [1, 1]]).repeat(8, 8)
    layer = copy.deepcopy(model.unet.conv_out)
    layer.weight.data[4:] = 0
    layer.bias.data[4:] = torch.tensor([-0.5, 0.5, 0.5, 0.5])
    monkeypatch.setattr(model.unet, 'conv_out', layer)
    images, masks = model.labelled([0, 1], [5, 6])
    assert torch.equal(masks, mask.expand(2, 16, 16)) and not torch.equal(images[0], images[1])
    to_the_end = dict(type='DDIMScheduler', set_alpha_to_one=True)  # the tiny pipeline's own ends at the smallest noise level
    source = JointDiffusionSource(str(folder), ['disc', 'square'], prompts=['a {}'], steps=3, guidance=3.0, scheduler=to_the_end)
    source.pipeline.unet.conv_out = layer
    batch = source.label(1, [4, 5])
    assert torch.equal(batch.masks, mask.expand(2, 16, 16)) and not torch.equal(batch.images[0], batch.images[1])
    code = model.mask_code.encode(mask[None], 8)[0]
    torch.testing.assert_close(batch.state[:, 4:], code.expand(2, -1, -1, -1), atol=1e-4, rtol=0)
    assert not source.pipeline.unet._forward_hooks and not model.unet._forward_hooks


def test_schedulers_that_do_not_fit(folder, older):
    """A source with flow sigmas: refused if the masks are predicted themselves."""
    flow = dict(type='DPMSolverMultistepScheduler', use_flow_sigmas=True, prediction_type='flow_prediction')
    with pytest.raises(InputError, match=r'synthesis.source.scheduler: the U-Net predicts the masks themselves .*"flow_prediction"'):
        JointDiffusionSource(str(folder), ['disc'], scheduler=flow)
    JointDiffusionSource(str(older), ['disc'], scheduler=flow)


def test_the_exported_folder_is_a_source(model, older):
    """The source decodes what a direct call of diffusers' pipeline gives: 4 latents of the image, then the bits of 2 x 2 pixels."""
    source = JointDiffusionSource(str(older), ['disc', 'square'], prompts=['a {}'], steps=2)
    assert source.catalogue.labels == ('background', 'foreground') and source.catalogue.resolution == 16
    batch = source.label(1, [4])
    latents = source.pipeline(
        'a square', generator=[source.generator(1, 4)], num_inference_steps=2, guidance_scale=2.0, output_type='latent'
    ).images
    with torch.no_grad():
        pixels = model.autoencoder.decode(latents[:, :4] / model.autoencoder.config.scaling_factor).sample
    assert torch.equal(batch.images, ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8))
    by_hand = np.zeros((16, 16), int)
    for i in range(2):
        for j in range(2):
            by_hand[i::2, j::2] = latents[0, 4 + 2 * i + j].numpy() > 0
    assert 0 < by_hand.sum() < 256 and np.array_equal(batch.masks[0], by_hand)
    drawn = source.draw(1, [4, 5])
    again = source.label(1, [4, 5], drawn.state)
    assert torch.equal(again.images, drawn.images) and again.records == drawn.records
    assert source.identity()['checksums'].keys() >= {'masks.json', 'unet/config.json', 'prompts'}


def test_sources_that_do_not_fit(folder, tiny_text_pipeline):
    with pytest.raises(InputError, match=r'makes images and masks together \(masks.json\): use mmbdg.JointDiffusionSource'):
        DiffusionSource(str(folder), ['disc'])
    with pytest.raises(InputError, match='has no masks.json: it makes images without masks'):
        JointDiffusionSource(str(tiny_text_pipeline), ['disc'])


def test_a_transformer(tiny_class_pipeline, folder, tmp_path):
    shutil.copytree(tiny_class_pipeline, tmp_path / 'model')
    shutil.copy(folder / 'masks.json', tmp_path / 'model')
    with pytest.raises(InputError, match='model has masks.json, but DiTPipeline has no U-Net that makes images and masks'):
        JointDiffusionSource(str(tmp_path / 'model'), ['disc'])


def test_channels_that_do_not_fit_the_card(folder, tmp_path):
    shutil.copytree(folder, tmp_path / 'model')
    (tmp_path / 'model/masks.json').write_text('{"labels": ["a", "b"], "patch": 4, "scale": 0.5}')
    with pytest.raises(
        InputError, match='2 labels and 4 pixels for each latent need 16 channels, the U-Net has 4 beside the 4 of the image'
    ):
        JointDiffusionSource(str(tmp_path / 'model'), ['disc'])


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(masks=dict(labels=('a', 'b'))), 'model.masks is dict'),
        (dict(masks=dict(MASKS, size=3)), 'model.masks is dict'),
        (dict(masks=dict(MASKS, weight=0)), 'model.masks.weight must be above 0'),
        (dict(masks=dict(MASKS, patch=0)), 'patch is at least 1'),
        (dict(masks=dict(MASKS, prediction_type='noise')), 'prediction_type is "sample", .*; got \'noise\''),
        (dict(unet=TINY_UNET), 'model.unet and model.pipeline exclude each other'),
        (dict(prompt_length=8), 'model.prompt_length has no effect: the pipeline reads 77 tokens'),
        (dict(classes=['x' * 80]), 'has 8[0-9] tokens, the text encoder of this pipeline reads 77: shorten'),
    ],
)
def test_what_does_not_fit(change, message, tiny_text_pipeline):
    with pytest.raises(InputError, match=message):
        tiny_joint_diffusion(tiny_text_pipeline, **change)
    with pytest.raises(InputError, match='model.autoencoder is missing: give autoencoder, unet, text_encoder, scheduler, or the pipeline'):
        JointDiffusionTraining(MASKS, **COMMON)
