"""Images to the latents of a diffusion model and back, scaled as in diffusers' pipelines."""

from torch import Tensor, nn

from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import latents_of


def reduction(autoencoder: nn.Module | None, channels: int) -> int:
    """Number of pixels of one latent along one side; 1 for a model of pixels (None).

    Args:
        autoencoder: Autoencoder of diffusers, or None.
        channels: Number of channels of the denoiser.

    Raises:
        InputError: The autoencoder has another number of latent channels, or pixels have not 1 or 3 channels.
    """
    if autoencoder is None:
        if channels not in (1, 3):
            raise InputError(f'generator.denoiser.in_channels is {channels}: a model of pixels has 1 or 3; else give an autoencoder')
        return 1
    own = autoencoder.config['latent_channels']
    if own != channels:
        raise InputError(f'generator.autoencoder has {own} latent channels, generator.denoiser.in_channels is {channels}')
    return 2 ** (len(autoencoder.config['block_out_channels']) - 1)


def encoded(autoencoder: nn.Module | None, images: Tensor, channels: int) -> Tensor:
    """Images float (N,3,R,R) in [-1,1] -> latents (N,C,h,w); without an autoencoder the pixels, of ``channels`` channels."""
    if (channels if autoencoder is None else autoencoder.config['in_channels']) == 1:
        images = images.mean(1, keepdim=True)
    if autoencoder is None:
        return images
    shift, scale = _shift_and_scale(autoencoder)
    return (latents_of(autoencoder, images) - shift) * scale


def decoded(autoencoder: nn.Module | None, latents: Tensor) -> Tensor:
    """Latents (N,C,h,w) -> images (N,3 or 1,R,R), not clamped."""
    if autoencoder is None:
        return latents
    shift, scale = _shift_and_scale(autoencoder)
    return autoencoder.decode(latents / scale + shift if shift else latents / scale, return_dict=False)[0]


def _shift_and_scale(autoencoder: nn.Module) -> tuple[float, float]:
    config = autoencoder.config
    return config.get('shift_factor') or 0.0, config['scaling_factor']
