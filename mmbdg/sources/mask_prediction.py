"""Sampling with a U-Net that predicts the code of masks itself, while the scheduler expects noise or velocity."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.sources.mask_bits import CARD, MaskBits

EXPECTED = ('epsilon', 'v_prediction', 'sample')
"""Prediction types of diffusers into which a predicted code is converted."""
WITHOUT_SAMPLE = (
    *('PNDMScheduler', 'EulerAncestralDiscreteScheduler'),
    *('KDPM2DiscreteScheduler', 'KDPM2AncestralDiscreteScheduler'),
)
"""Schedulers of diffusers whose step raises an error for the prediction type "sample"."""


def check_scheduler(scheduler: Any, code: MaskBits, where: str) -> None:
    """Check that predictions of the code can be converted for a scheduler of diffusers.

    Args:
        scheduler: The scheduler.
        code: Code of the masks; nothing is checked if its ``prediction_type`` is None.
        where: Key of the scheduler, for the message.

    Raises:
        InputError: The scheduler has no noise level for each timestep, or expects something else than noise, velocity or sample.
    """
    if code.prediction_type is None:
        return
    config = scheduler.config
    kind = config.get('prediction_type', 'epsilon')
    if kind not in EXPECTED:
        lacking = f'expects the prediction_type "{kind}", not one of {", ".join(EXPECTED)}'
    elif kind == 'sample' and type(scheduler).__name__ in WITHOUT_SAMPLE:
        lacking = 'cannot sample with the prediction_type "sample"'
    elif config.get('use_flow_sigmas') or not hasattr(scheduler, 'alphas_cumprod'):
        lacking = 'mixes sample and noise in another way than by betas (alphas_cumprod)'
    elif config.get('timestep_type') == 'continuous':
        lacking = 'has continuous timesteps, which name no noise level'
    else:
        return
    raise InputError(
        f'{where}: the U-Net predicts the masks themselves (prediction_type "{code.prediction_type}" in {CARD}), from which the noise of '
        f"each step is computed; {type(scheduler).__name__} {lacking}. Use another scheduler, such as dict(type='DDIMScheduler')"
    )


def expected_output(code: Tensor, noisy: Tensor, alpha: Tensor, kind: str) -> Tensor:
    """What a scheduler expects from a network, for a predicted code.

    With x = sqrt(alpha) code + sqrt(1 - alpha) noise, the velocity (Salimans and Ho, 2022) is sqrt(alpha) noise - sqrt(1 - alpha) code.

    Args:
        code: Predicted code x0, float (N,C,s,s).
        noisy: Noisy code x that the network has seen, of the same shape.
        alpha: Cumulative product of 1 - beta at the timestep, that broadcasts to the code; in [0,1).
        kind: Prediction type of the scheduler, one of :data:`EXPECTED`.
    """
    if kind == 'sample':
        return code
    signal, noise = alpha.sqrt(), (1 - alpha).sqrt()
    if kind == 'epsilon':
        return (noisy - signal * code) / noise
    return (signal * noisy - code) / noise


@contextmanager
def sampled_masks(unet: Any, scheduler: Any, code: MaskBits) -> Iterator[None]:
    """While a pipeline of diffusers samples, convert what its U-Net predicts for the code of masks into what its scheduler expects.

    The conversion is linear in the prediction, so guidance acts on the code as on the image. Nothing is done if the ``prediction_type`` of
    the code is None.

    Args:
        unet: U-Net of the pipeline; the last channels of its input and output are those of the code.
        scheduler: Scheduler of the pipeline.
        code: Code of the masks.
    """
    if code.prediction_type is None:
        yield
        return

    kind, channels = scheduler.config.get('prediction_type', 'epsilon'), code.channels

    def convert(_: Any, given: Sequence[Any], named: Mapping[str, Any], output: Any) -> Any:
        noisy = given[0] if given else named['sample']
        timestep = given[1] if len(given) > 1 else named['timestep']
        whole = output[0]
        alpha = _alphas(scheduler, timestep).to(whole.device)
        masks = expected_output(whole[:, -channels:].float(), noisy[:, -channels:].float(), alpha, kind)
        whole = torch.cat([whole[:, :-channels], masks.to(whole.dtype)], 1)
        return (whole,) if isinstance(output, tuple) else type(output)(sample=whole)

    handle = unet.register_forward_hook(convert, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def _alphas(scheduler: Any, timestep: Any) -> Tensor:
    """Noise levels alphas_cumprod at timesteps, float32 (N,1,1,1) or (1,1,1,1), linear between two levels.

    Some schedulers sample at timesteps between those of the training. All of them give the U-Net the sample at unit variance.
    """
    levels = scheduler.alphas_cumprod.cpu().double()
    steps = torch.as_tensor(timestep).cpu().double().reshape(-1).clamp(0, len(levels) - 1)
    low = steps.floor().long()
    high = (low + 1).clamp(max=len(levels) - 1)
    return torch.lerp(levels[low], levels[high], steps - low).float()[:, None, None, None]
