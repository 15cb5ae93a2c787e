"""Predicted masks as what schedulers expect: values by hand and by diffusers, a perfect predictor, schedulers that do not fit."""

import diffusers
import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DOutput
from torch import nn

from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import SCHEDULERS
from mmbdg.sources.mask_bits import MaskBits
from mmbdg.sources.mask_prediction import EXPECTED, WITHOUT_SAMPLE, check_scheduler, expected_output, sampled_masks

CODE = MaskBits(('background', 'foreground'), patch=2)
BETAS = dict(beta_schedule='scaled_linear', beta_start=0.00085, beta_end=0.012)
WITHOUT_BETAS = ('EDMEulerScheduler',)
LEFT_OUT = ('DPMSolverSDEScheduler', 'KDPM2AncestralDiscreteScheduler')  # needs torchsde; takes seconds, and is like KDPM2
OTHERS = sorted({one.__name__ for one in diffusers.DDIMScheduler().compatibles} - {*WITHOUT_BETAS, *LEFT_OUT})


def test_by_hand():
    """alpha = 0.64: of the code 0.5 and the noise 2 remain 0.8 * 0.5 + 0.6 * 2 = 1.6; the velocity is 0.8 * 2 - 0.6 * 0.5 = 1.3."""
    code, noisy, alpha = torch.tensor([[[[0.5]]]]), torch.tensor([[[[1.6]]]]), torch.tensor(0.64)
    for kind, value in dict(sample=0.5, epsilon=2.0, v_prediction=1.3).items():
        assert expected_output(code, noisy, alpha, kind).item() == pytest.approx(value, abs=1e-6)
    assert expected_output(code, noisy, torch.tensor(0.0), 'v_prediction').item() == -0.5  # noise alone


def test_by_diffusers():
    """The velocity that diffusers trains with, at every noise level."""
    scheduler = diffusers.DDIMScheduler(**BETAS, rescale_betas_zero_snr=True)
    steps = torch.arange(0, 1000, 37)
    code, noise = torch.randn(len(steps), 4, 2, 2), torch.randn(len(steps), 4, 2, 2)
    alpha, noisy = scheduler.alphas_cumprod[steps][:, None, None, None], scheduler.add_noise(code, noise, steps)
    expected = scheduler.get_velocity(code, noise, steps)
    torch.testing.assert_close(expected_output(code, noisy, alpha, 'v_prediction'), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(expected_output(code, noisy, alpha, 'epsilon'), noise, atol=1e-4, rtol=0)


class Perfect(nn.Module):
    """A U-Net that knows the code; for the image it predicts the input. ``calls`` are counted."""

    def __init__(self, code):
        super().__init__()
        self.code, self.calls = code, 0

    def forward(self, sample, timestep, return_dict=True):
        self.calls += 1
        whole = torch.cat([sample[:, : -CODE.channels], self.code.expand(len(sample), -1, -1, -1)], 1)
        return UNet2DOutput(sample=whole) if return_dict else (whole,)


def sampled(scheduler, unet, code=CODE, steps=10):
    """Sample 3 images as a pipeline does: latents of 2 channels for the image, then the code."""
    torch.manual_seed(0)
    scheduler.set_timesteps(steps)
    latents = torch.randn(3, 2 + code.channels, 4, 4) * scheduler.init_noise_sigma
    with sampled_masks(unet, scheduler, code):
        for step in scheduler.timesteps:
            output = unet(scheduler.scale_model_input(latents, step), step, return_dict=False)[0]
            latents = scheduler.step(output, step, latents).prev_sample
    return latents


@pytest.mark.parametrize('kind', EXPECTED)
def test_a_perfect_predictor_gives_the_mask(kind):
    """DDIM ends at the code itself: no noise is left, and the mask is exact."""
    mask = torch.randint(2, (1, 8, 8))
    unet = Perfect(CODE.encode(mask, 4)[0])
    scheduler = diffusers.DDIMScheduler(**BETAS, prediction_type=kind, timestep_spacing='trailing', clip_sample=False)
    latents = sampled(scheduler, unet)
    assert unet.calls == 10 and latents.isfinite().all()
    torch.testing.assert_close(latents[:, 2:], unet.code.expand(3, -1, -1, -1), atol=1e-4, rtol=0)
    assert torch.equal(CODE.decode(latents[:, 2:], 8), mask.expand(3, -1, -1))


@pytest.mark.parametrize('name', OTHERS)
def test_other_schedulers(name):
    """All that fit DDIM's betas: deterministic or not, at timesteps of the training or between them."""
    if name == 'PNDMScheduler':
        more = dict(skip_prk_steps=True)
    else:
        more = dict(use_karras_sigmas=True) if name in ('DPMSolverMultistepScheduler', 'EulerDiscreteScheduler') else {}
    scheduler = getattr(diffusers, name)(**BETAS, prediction_type='epsilon', **more)
    check_scheduler(scheduler, CODE, 'x')
    mask = torch.randint(2, (1, 8, 8))
    latents = sampled(scheduler, Perfect(CODE.encode(mask, 4)[0]), steps=5)
    assert torch.equal(CODE.decode(latents[:, 2:], 8), mask.expand(3, -1, -1))
    assert (latents[:, 2:].abs() - 0.5).abs().max() < 0.15  # some end at the smallest noise level of the training


def test_only_the_masks_and_only_while_sampling():
    unet, scheduler = Perfect(torch.full((1, 4, 4, 4), 0.5)), diffusers.DDIMScheduler(**BETAS)
    sample, plain = torch.randn(2, 6, 4, 4), Perfect.forward
    with sampled_masks(unet, scheduler, CODE):
        out = unet(sample, timestep=torch.tensor([10, 500])).sample
        named = unet(sample=sample, timestep=torch.tensor([10, 500]), return_dict=False)
    for i, step in enumerate((10, 500)):
        alpha = scheduler.alphas_cumprod[step]
        torch.testing.assert_close(out[i, 2:], (sample[i, 2:] - alpha.sqrt() * 0.5) / (1 - alpha).sqrt())
    assert torch.equal(out[:, :2], sample[:, :2]) and isinstance(named, tuple) and torch.equal(named[0], out)
    with pytest.raises(KeyError), sampled_masks(unet, scheduler, CODE):
        raise KeyError
    expected = plain(unet, sample, 10).sample
    assert torch.equal(unet(sample, 10).sample, expected)
    with sampled_masks(unet, scheduler, MaskBits(CODE.labels, patch=2, prediction_type=None)):
        assert torch.equal(unet(sample, 10).sample, expected)


@pytest.mark.parametrize(
    ('scheduler', 'message'),
    [
        (diffusers.EDMEulerScheduler(), 'EDMEulerScheduler mixes sample and noise in another way'),
        (diffusers.FlowMatchEulerDiscreteScheduler(), 'FlowMatchEulerDiscreteScheduler mixes sample and noise in another way'),
        (diffusers.DPMSolverMultistepScheduler(use_flow_sigmas=True), 'DPMSolverMultistepScheduler mixes sample and noise in another way'),
        (diffusers.DPMSolverMultistepScheduler(prediction_type='flow_prediction'), 'expects the prediction_type "flow_prediction", not'),
        (
            diffusers.EulerDiscreteScheduler(timestep_type='continuous', prediction_type='v_prediction', sigma_min=0.002, sigma_max=700.0),
            'EulerDiscreteScheduler has continuous timesteps',
        ),
        (diffusers.PNDMScheduler(prediction_type='sample'), 'PNDMScheduler cannot sample with the prediction_type "sample"'),
    ],
    ids=['EDM', 'flow', 'flow sigmas', 'flow prediction', 'continuous', 'sample'],
)
def test_schedulers_that_do_not_fit(scheduler, message):
    with pytest.raises(InputError, match=rf'key: the U-Net predicts the masks themselves .*{message}.*Use another scheduler'):
        check_scheduler(scheduler, CODE, 'key')
    check_scheduler(scheduler, MaskBits(CODE.labels, patch=2, prediction_type=None), 'key')


def test_what_no_step_can_take():
    """diffusers itself refuses the prediction type "sample" for exactly these schedulers."""
    refused = set()
    for name in SCHEDULERS:
        if name in ('DPMSolverSDEScheduler', 'EDMEulerScheduler', 'EDMDPMSolverMultistepScheduler'):
            continue  # need torchsde; have no betas
        try:
            scheduler = getattr(diffusers, name)(prediction_type='sample')
        except TypeError:  # flow matching
            continue
        scheduler.set_timesteps(4)
        sample = torch.full((1, 1, 2, 2), 0.1)
        try:
            for t in scheduler.timesteps:
                sample = scheduler.step(sample, t, sample).prev_sample
        except (NotImplementedError, ValueError):
            refused.add(name)
    assert refused == set(WITHOUT_SAMPLE)
