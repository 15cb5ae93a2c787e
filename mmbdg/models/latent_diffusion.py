"""Base of the trainings of latent diffusion models as mmengine models."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.assets.class_lists import class_names as names_of
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.diffusers_parts import diffusers_part, latents_of, need_diffusers
from mmbdg.models.diffusers_parts import read_autoencoder

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

SCHEDULERS = ('DDIMScheduler', 'DDPMScheduler')
"""Schedulers of diffusers that support both training (noisy latents and velocity) and sampling."""


class LatentDiffusionTraining(BaseModel):
    """Trains a denoiser of diffusers on the latents of a frozen autoencoder. A subclass names the denoiser, its condition and its pipeline.

    With mmengine's ``EMAHook`` validations, the ``state_dict`` of checkpoints and exports use the averaged weights.

    ``predict`` returns the data samples with ``real`` and ``generated``, uint8 (3,R,R): for each real image one of its class, sampled by
    the exported pipeline from the noise at the address (class, sample_idx).

    Args:
        autoencoder: Folder of a diffusers autoencoder, see :func:`~mmbdg.models.diffusers_parts.read_autoencoder`; or an autoencoder.
        scheduler: Config of the noise and of the sampling, ``dict(type='DDIMScheduler', ...)``, or a scheduler; its ``prediction_type`` is
            the target of the denoiser: "epsilon", "v_prediction" or "sample".
        classes: Names of the classes, or the name of an embedded list.
        timesteps: Distribution of the noise levels in training: "uniform", or "logit_normal" (more in the middle). Default: "uniform".
        guidance_scale: Guidance scale of validations and sample pictures. Default: 2.
        num_inference_steps: Number of sampling steps of validations and sample pictures. Default: 10.
        seed: Seed of the noise of validations and sample pictures. Default: 0.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        InputError: diffusers is not installed, a part does not exist or does not fit the others.
    """

    def __init__(
        self,
        autoencoder: str | nn.Module,
        scheduler: dict | Any,
        classes: Sequence[str] | str,
        timesteps: str = 'uniform',
        guidance_scale: float = 2.0,
        num_inference_steps: int = 10,
        seed: int = 0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        need_diffusers(f'mmbdg.{type(self).__name__}')
        if timesteps not in ('uniform', 'logit_normal'):
            raise InputError(f'model.timesteps is "uniform" or "logit_normal", got {timesteps!r}')
        self.classes, self.timesteps = names_of(classes), timesteps
        self.guidance_scale, self.num_inference_steps, self.seed = guidance_scale, num_inference_steps, seed
        self.scheduler = diffusers_part(scheduler, SCHEDULERS, 'model.scheduler') if isinstance(scheduler, Mapping) else scheduler
        self.sampler = self.scheduler
        self.autoencoder: nn.Module = autoencoder if isinstance(autoencoder, nn.Module) else read_autoencoder(autoencoder)

    def _condition(self, class_ids: Tensor) -> Tensor:
        """Draw the condition of each image of a training batch; some are empty, for classifier-free guidance.

        Args:
            class_ids: int64 (N,).
        """
        raise NotImplementedError  # abstract

    def _predict(self, noisy: Tensor, steps: Tensor, condition: Tensor) -> Tensor:
        """Output of the denoiser, float (N,C,h,w), for noisy latents (N,C,h,w), int64 steps (N,) and conditions."""
        raise NotImplementedError  # abstract

    def pipeline(self) -> 'DiffusionPipeline':
        """Diffusers' pipeline of these networks. It shares their weights."""
        raise NotImplementedError  # abstract

    def images(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None = None) -> Tensor:
        """Generate the images of N addresses.

        Args:
            class_ids: Class index of each image.
            indices: Index of each image within its class.
            size: Height and width in pixels; None: the denoiser's own size.

        Returns:
            uint8 (N,3,R,R), on the device of the model.
        """
        raise NotImplementedError  # abstract

    def init_weights(self) -> None:
        """Do nothing: the networks are initialised when they are built, the autoencoder from its folder."""

    def train(self, mode: bool = True) -> 'LatentDiffusionTraining':
        super().train(mode)
        self.autoencoder.eval()
        return self

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement], mode: str = 'tensor'
    ) -> Tensor | dict[str, Tensor] | list[BaseDataElement]:
        """``loss``: the loss; ``predict``: data samples; ``tensor``: generated images uint8 (N,3,R,R)."""
        class_ids = torch.cat([sample.gt_label for sample in data_samples])
        if mode == 'loss':
            return self.loss(inputs, class_ids)
        images = self.images(class_ids.tolist(), [sample.sample_idx for sample in data_samples], inputs.shape[-2:])
        if mode == 'tensor':
            return images
        for sample, real, generated in zip(data_samples, to_pixels(inputs), images, strict=True):
            sample.set_field(real, 'real')
            sample.set_field(generated, 'generated')
        return data_samples

    def loss(self, images: Tensor, class_ids: Tensor) -> dict[str, Tensor]:
        """Mean squared error of the denoiser's prediction at random noise levels.

        Args:
            images: float (N,3,R,R) in [-1,1].
            class_ids: int64 (N,).
        """
        return dict(loss_diffusion=self._errors(self._latents(images), class_ids).mean())

    @torch.no_grad()
    def _latents(self, images: Tensor) -> Tensor:
        return latents_of(self.autoencoder, images) * self.autoencoder.config.scaling_factor

    def _errors(self, latents: Tensor, class_ids: Tensor) -> Tensor:
        """Squared errors of the prediction at random noise levels, of the shape of the latents."""
        condition = self._condition(class_ids)
        noise, steps = torch.randn_like(latents), self._steps(len(latents), latents.device)
        predicted = self._predict(self.scheduler.add_noise(latents, noise, steps), steps, condition)
        return F.mse_loss(predicted, self._target(latents, noise, steps), reduction='none')

    def _steps(self, count: int, device: torch.device) -> Tensor:
        total = self.scheduler.config.num_train_timesteps
        if self.timesteps == 'uniform':
            return torch.randint(total, (count,), device=device)
        return (torch.randn(count, device=device).sigmoid() * total).long().clamp_(max=total - 1)

    def _target(self, latents: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        kind = self.scheduler.config.prediction_type
        if kind == 'v_prediction':
            return self.scheduler.get_velocity(latents, noise, steps)
        return noise if kind == 'epsilon' else latents

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write the pipeline in diffusers' layout, for its ``from_pretrained``."""
        self.pipeline().save_pretrained(folder, safe_serialization=True)


def check_fraction(value: Any, key: str) -> float:
    """Check the fraction of empty conditions.

    Raises:
        InputError: It is not in [0,1).
    """
    if not isinstance(value, int | float) or not 0 <= value < 1:
        raise InputError(f'model.{key} lies in [0,1), got {value!r}')
    return value
