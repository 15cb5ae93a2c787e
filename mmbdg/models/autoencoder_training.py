"""Training of the autoencoder of a latent diffusion model as an mmengine model."""

import os

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.generators import to_pixels
from mmbdg.generators.diffusers_parts import AUTOENCODERS, diffusers_part, latents_of, need_diffusers
from mmbdg.registry import MODELS


@MODELS.register_module()
class AutoencoderTraining(BaseModel):
    """Trains an autoencoder of diffusers by the squared error of its reconstructions and the KL divergence of its latents.

    The latents of ``AutoencoderKL`` are drawn from the Gaussian that it predicts. ``AutoencoderTiny`` predicts no variance: Gaussian
    noise of a fixed standard deviation is added to its latents. Their KL divergence from a standard normal is half their mean square plus a
    constant, which is omitted. Noise and divergence keep the latents small and smooth, which a diffusion model needs.

    ``predict`` returns the data samples with ``real`` and ``generated`` (the reconstruction), uint8 (3,R,R).

    Args:
        autoencoder: Config of the network, ``dict(type='AutoencoderTiny', ...)`` or ``dict(type='AutoencoderKL', ...)`` with the arguments
            of diffusers' class.
        noise: Standard deviation of the noise on the latents of an ``AutoencoderTiny``. Default: 0.1.
        kl_weight: Weight of the KL divergence per latent value, relative to the squared error per pixel. Default: 1e-4.
        grey: Whether all images are grey. If True, the three output channels start equal, and training keeps them equal. Default: False.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.

    Raises:
        InputError: diffusers is not installed, or the network does not exist.
    """

    def __init__(
        self,
        autoencoder: dict,
        noise: float = 0.1,
        kl_weight: float = 1e-4,
        grey: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        need_diffusers('mmbdg.AutoencoderTraining')
        self.autoencoder: nn.Module = diffusers_part(autoencoder, AUTOENCODERS, 'model.autoencoder')
        self.noise, self.kl_weight = noise, kl_weight
        if grey:
            last = [module for module in self.autoencoder.decoder.modules() if isinstance(module, nn.Conv2d)][-1]
            for values in (last.weight, last.bias):
                values.data[:] = values.data.mean(0)
        self.register_buffer('latent_variance', torch.ones(()))

    def init_weights(self) -> None:
        """Do nothing: the networks are initialised when they are built."""

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement] | None = None, mode: str = 'tensor'
    ) -> Tensor | dict[str, Tensor] | list[BaseDataElement]:
        """``loss``: the two losses; ``predict``: data samples; ``tensor``: reconstructions float (N,3,R,R)."""
        if mode == 'loss':
            return self.loss(inputs)
        images = self.autoencoder.decode(latents_of(self.autoencoder, inputs)).sample
        if mode == 'tensor':
            return images
        for sample, real, generated in zip(data_samples, to_pixels(inputs), to_pixels(images), strict=True):
            sample.set_field(real, 'real')
            sample.set_field(generated, 'generated')
        return data_samples

    def loss(self, images: Tensor) -> dict[str, Tensor]:
        """Losses of images float (N,3,R,R) in [-1,1]."""
        encoded = self.autoencoder.encode(images.contiguous(memory_format=torch.channels_last))  # twice as fast on a CPU
        if hasattr(encoded, 'latent_dist'):
            posterior = type(encoded.latent_dist)(encoded.latent_dist.parameters.float())  # with --amp the networks compute in 16 bits
            mean, latents = posterior.mean, posterior.sample()
            divergence = posterior.kl().mean() / mean[0].numel()
        else:
            mean = encoded.latents.float()
            latents, divergence = mean + self.noise * torch.randn_like(mean), mean.square().mean() / 2
        self.latent_variance.lerp_(mean.detach().var(), 0.02)
        error = F.mse_loss(self.autoencoder.decode(latents).sample.float(), images)
        return dict(loss_reconstruction=error, loss_kl=self.kl_weight * divergence)

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write the autoencoder in diffusers' layout; its ``scaling_factor`` gives latents a variance of about 1."""
        self.autoencoder.register_to_config(scaling_factor=round(1 / self.latent_variance.sqrt().item(), 6))
        self.autoencoder.save_pretrained(folder, safe_serialization=True)
