"""Training of a diffusion model that makes an image and its mask together, as an mmengine model."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators.diffusers_parts import need_diffusers
from mmbdg.models.diffusion_training import DiffusionTraining
from mmbdg.models.pipeline_parts import read_parts
from mmbdg.registry import MODELS
from mmbdg.sources.joint_latents import split_latents
from mmbdg.sources.mask_bits import MaskBits
from mmbdg.sources.mask_prediction import check_scheduler, sampled_masks

NETWORKS = ('autoencoder', 'unet', 'text_encoder', 'scheduler')


@MODELS.register_module()
class JointDiffusionTraining(DiffusionTraining):
    """A :class:`DiffusionTraining` whose latents hold the mask of the image as further channels.

    Images and masks get the same noise level and are denoised together, the idea of JoDiffusion; the code of the masks is ours, see
    :class:`~mmbdg.sources.mask_bits.MaskBits`. A data sample needs ``gt_seg_map``, label ids, integer (R,R). The exported folder is for
    ``mmbdg.JointDiffusionSource``.

    For the image, the U-Net predicts what the ``prediction_type`` of the scheduler says; for the mask, the code itself, from which sampling
    computes what the scheduler expects (:mod:`~mmbdg.sources.mask_prediction`): the noise of the many channels of the code does not have to
    pass a small U-Net. The loss of the mask is the mean squared error over pixels with a label, with one ``weight`` for all noise levels.

    The networks are new, or start from a pipeline of images: its U-Net gets more channels, which at first read nothing and predict 0.

    Args:
        masks: Code of the masks, ``dict(labels=('background', 'foreground'), patch=4)``, see :class:`~mmbdg.sources.mask_bits.MaskBits`
            for ``scale`` and ``prediction_type`` ("sample", the default, or None, as for the image); and the ``weight`` of their loss
            (default: 2).
        pipeline: Pipeline to start from, see :class:`~mmbdg.models.LoRATraining`, instead of ``autoencoder``, ``unet``,
            ``text_encoder`` and ``scheduler``. Default: None.
        **kwargs: Arguments of :class:`DiffusionTraining`. ``unet.in_channels`` and ``out_channels`` are the latent channels of the
            autoencoder and the channels of the code.

    Raises:
        InputError: A key of ``masks`` is unknown or invalid, the scheduler is none for which the predicted code can be converted, or see
            :class:`DiffusionTraining`.
    """

    def __init__(self, masks: dict, pipeline: str | None = None, **kwargs: Any) -> None:
        code, weight = _mask_code(masks)
        if pipeline is None and (missing := [name for name in NETWORKS if name not in kwargs]):
            raise InputError(f'model.{missing[0]} is missing: give {", ".join(NETWORKS)}, or the pipeline to start from')
        if pipeline is not None and (given := [name for name in (*NETWORKS, 'tokenizer') if name in kwargs]):
            raise InputError(f'model.{given[0]} and model.pipeline exclude each other: the pipeline has all networks')
        need_diffusers('mmbdg.JointDiffusionTraining')
        sampler = None
        if pipeline is not None:
            parts = read_parts(pipeline, 'mmbdg.JointDiffusionTraining')
            sampler = parts.sampler
            parts.networks['unet'] = widened(parts.networks['unet'], code.channels)
            kwargs |= parts.networks | dict(scheduler=parts.scheduler, tokenizer=parts.tokenizer)
        self.mask_code, self.mask_weight = code, weight
        super().__init__(**kwargs)
        self.sampler = sampler or self.scheduler
        check_scheduler(self.sampler, code, 'model.scheduler' if pipeline is None else 'model.pipeline')

    @property
    def latent_channels(self) -> int:
        return super().latent_channels + self.mask_code.channels

    def forward(
        self, inputs: Tensor, data_samples: list[BaseDataElement], mode: str = 'tensor'
    ) -> Tensor | dict[str, Tensor] | list[BaseDataElement]:
        """See :class:`DiffusionTraining`."""
        if mode != 'loss':
            return super().forward(inputs, data_samples, mode)
        masks = torch.stack([torch.as_tensor(sample.gt_seg_map) for sample in data_samples])
        return self.loss(inputs, torch.cat([sample.gt_label for sample in data_samples]), masks.to(inputs.device))

    def loss(self, images: Tensor, class_ids: Tensor, masks: Tensor) -> dict[str, Tensor]:
        """Mean squared errors of the predictions for the image's latents and for the mask's code.

        Args:
            images: float (N,3,R,R) in [-1,1].
            class_ids: int64 (N,).
            masks: Label ids, integer (N,R,R).
        """
        latents = self._latents(images)
        code, shares = self.mask_code.encode(masks.long(), latents.shape[-1])
        errors = self._errors(torch.cat([latents, code], 1), class_ids)
        image, mask = errors.split([latents.shape[1], self.mask_code.channels], 1)
        return dict(loss_diffusion=image.mean(), loss_mask=self.mask_weight * (mask * shares).sum() / shares.sum().clamp(min=1))

    def _target(self, latents: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        target = super()._target(latents, noise, steps)
        if self.mask_code.prediction_type is None:
            return target
        image, channels = latents.shape[1] - self.mask_code.channels, self.mask_code.channels
        return torch.cat([target[:, :image], latents[:, -channels:]], 1)

    @torch.no_grad()
    def labelled(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """Images and masks of N addresses, see :meth:`images`: uint8 (N,3,R,R), and label ids int64 (N,R,R)."""
        with sampled_masks(self.unet, self.sampler, self.mask_code):
            latents = self._sample(class_ids, indices, size, 'latent')
        return split_latents(self.autoencoder, self.mask_code, latents)

    def images(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None = None) -> Tensor:
        """See :meth:`DiffusionTraining.images`."""
        return self.labelled(class_ids, indices, size)[0]

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write the parts in diffusers' layout and the card of the masks, for ``mmbdg.JointDiffusionSource``."""
        super().save_pretrained(folder)
        self.mask_code.write(Path(folder))


def widened(unet: Any, channels: int) -> Any:
    """A U-Net with further channels after its own: the first layer ignores them, the last layer predicts 0 for them."""
    own = dict(unet.config)
    made = type(unet).from_config(
        own | dict(in_channels=unet.config.in_channels + channels, out_channels=unet.config.out_channels + channels)
    )
    weights = unet.state_dict()
    for name, value in made.state_dict().items():
        if value.shape != weights[name].shape:  # conv_in.weight, conv_out.weight, conv_out.bias
            wide = torch.zeros_like(value)
            wide[tuple(slice(length) for length in weights[name].shape)] = weights[name]
            weights[name] = wide
    made.load_state_dict(weights)
    return made


def _mask_code(masks: Any) -> tuple[MaskBits, float]:
    known = {'labels', 'patch', 'scale', 'prediction_type', 'weight'}
    if not isinstance(masks, Mapping) or not {'labels', 'patch'} <= set(masks) <= known:
        raise InputError(
            "model.masks is dict(labels=('background', 'foreground'), patch=4), with scale, prediction_type and weight if wanted; got "
            f'{masks!r}'
        )
    if not 0 < (weight := masks.get('weight', 2.0)) < float('inf'):
        raise InputError(f'model.masks.weight must be above 0, got {weight}')
    return MaskBits(**{key: value for key, value in masks.items() if key != 'weight'}), weight
