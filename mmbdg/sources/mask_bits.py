"""Masks as further channels of a latent diffusion model: analog bits (Chen et al., arXiv 2208.04202) of patches of pixels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import Schema
from mmbdg.storage.masks import ignore_label

CARD = 'masks.json'
"""Name of the card in the folder of a pipeline whose latents hold masks."""


class MaskCard(Schema):
    """Content of :data:`CARD`: the arguments of :class:`MaskBits`. Cards without a ``prediction_type`` are older: it is None."""

    labels: list[str]
    patch: int
    scale: float
    prediction_type: Literal['sample'] | None = None


class MaskBits:
    """Code of masks as channels at the resolution of the latents, and its inverse.

    A label id is written in binary, each bit as -1 or 1. The mask is resized to ``patch`` pixels for each latent along a side, by the mean
    over areas, and the pixels of a patch become channels. At the resolution patch x side the code has no loss. It needs no training, and no
    autoencoder of masks adds errors of its own.

    Args:
        labels: Names of the labels, background first, at least 2.
        patch: Pixels of the mask for each latent along a side, at least 1.
        scale: Factor of the bits, above 0. Latents have a standard deviation of about 1. Default: 0.5.
        prediction_type: What the U-Net predicts for the code: "sample", the code itself; None: what the ``prediction_type`` of the
            scheduler says, as for the image. Default: "sample".

    Attributes:
        bits: Number B of bits of a label.
        channels: Number B * patch**2 of channels of the code.
        ignore: Value of ignored pixels.

    Raises:
        InputError: A value is out of its range.
    """

    def __init__(self, labels: Sequence[str], patch: int, scale: float = 0.5, prediction_type: str | None = 'sample') -> None:
        if isinstance(labels, str) or len(labels) < 2 or len(set(labels)) < len(labels) or patch < 1 or not 0 < scale < float('inf'):
            raise InputError(
                'masks: labels lists the names of at least 2 labels, background first, patch is at least 1 and scale above 0; got '
                f'{labels!r}, {patch} and {scale}'
            )
        if prediction_type not in ('sample', None):
            raise InputError(
                'masks: prediction_type is "sample", the U-Net predicts the masks themselves, or None, it predicts what the scheduler '
                f'expects for the image too; got {prediction_type!r}'
            )
        self.labels, self.patch, self.scale, self.prediction_type = tuple(labels), patch, scale, prediction_type
        self.bits = (len(self.labels) - 1).bit_length()
        self.channels, self.ignore = self.bits * patch**2, ignore_label(len(self.labels))

    @classmethod
    def read(cls, folder: Path) -> 'MaskBits':
        """Read the card in the folder of a pipeline.

        Raises:
            InputError: There is none, or it is invalid.
        """
        if not (folder / CARD).is_file():
            raise InputError(
                f'{folder} has no {CARD}: it makes images without masks, for mmbdg.DiffusionSource. A model of both is trained by '
                'python tools/train.py configs/diffusion/image_and_mask_fashion32.py'
            )
        older: dict[str, Any] = dict(prediction_type=None)
        return cls(**older | read_json(folder / CARD, MaskCard))

    def write(self, folder: Path) -> None:
        """Write the card into the folder of a pipeline."""
        card = dict(labels=list(self.labels), patch=self.patch, scale=self.scale, prediction_type=self.prediction_type)
        write_json(folder / CARD, card)

    def encode(self, masks: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Code of masks.

        Args:
            masks: Label ids, integer (N,R,R), with R a multiple of ``side * patch``; ``ignore`` for ignored pixels.
            side: Height and width s of the latents.

        Returns:
            Code, float32 (N,channels,s,s), in [-scale, scale]; and the share of pixels with a label behind each of its values, float32 of
            the same shape. Ignored pixels count as 0.

        Raises:
            InputError: A mask holds a label that does not exist, or its size does not fit.
        """
        height = masks.shape[-1]
        if height % (side * self.patch):
            raise InputError(f'masks of {height} px do not fit {side} latents of {self.patch} pixels a side (model.masks.patch)')
        known = masks != self.ignore
        if (wrong := masks[known & ((masks < 0) | (masks >= len(self.labels)))]).numel():
            raise InputError(
                f'a mask holds the label {int(wrong[0])}; model.masks.labels names {len(self.labels)}: {", ".join(self.labels)}'
            )
        powers = 2 ** torch.arange(self.bits, device=masks.device)
        bits = ((masks.long()[:, None] & powers[:, None, None]) > 0).float() * 2 - 1  # (N,B,R,R)
        shares = known[:, None].float().expand_as(bits)
        code, shares = (F.adaptive_avg_pool2d(plane, side * self.patch) for plane in (bits * shares, shares))
        return F.pixel_unshuffle(code, self.patch) * self.scale, F.pixel_unshuffle(shares, self.patch)

    def decode(self, code: Tensor, resolution: int) -> Tensor:
        """Masks of codes.

        Args:
            code: float (N,channels,s,s).
            resolution: Height and width R of the masks in pixels; above s * patch, the bits are interpolated.

        Returns:
            Label ids, int64 (N,R,R); ``ignore`` where the bits are those of no label.
        """
        bits = F.pixel_shuffle(code.float(), self.patch)
        if bits.shape[-1] != resolution:
            bits = F.interpolate(bits, size=(resolution, resolution), mode='bilinear', align_corners=False)
        powers = 2 ** torch.arange(self.bits, device=code.device)
        masks = ((bits > 0).long() * powers[:, None, None]).sum(1)
        return masks.masked_fill(masks >= len(self.labels), self.ignore)
