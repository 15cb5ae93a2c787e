"""Images and masks of latents that hold both."""

from typing import Any

import torch
from torch import Tensor

from mmbdg.generators import to_pixels
from mmbdg.sources.mask_bits import MaskBits


@torch.no_grad()
def split_latents(autoencoder: Any, code: MaskBits, latents: Tensor) -> tuple[Tensor, Tensor]:
    """Decode the latents of images and masks.

    Args:
        autoencoder: Autoencoder of diffusers.
        code: Code of the masks.
        latents: float (N,C+channels,s,s): the latents of the image, as a pipeline scales them, then the code of the mask.

    Returns:
        RGB images, uint8 (N,3,R,R); label ids, int64 (N,R,R).
    """
    image = latents[:, : -code.channels] / autoencoder.config.scaling_factor
    pixels = autoencoder.decode(image.to(next(autoencoder.parameters()).dtype)).sample
    return to_pixels(pixels.float()), code.decode(latents[:, -code.channels :], pixels.shape[-1])
