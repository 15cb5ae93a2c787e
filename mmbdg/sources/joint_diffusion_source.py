"""A diffusion model that makes images and masks together, as a source."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.registry import SOURCES
from mmbdg.sources.base import Drawn, LabelledBatch
from mmbdg.sources.diffusion_source import DiffusionSource
from mmbdg.sources.joint_latents import split_latents
from mmbdg.sources.mask_bits import CARD, MaskBits
from mmbdg.sources.mask_prediction import check_scheduler, sampled_masks


@SOURCES.register_module()
class JointDiffusionSource(DiffusionSource):
    """Images and masks of a pipeline whose latents hold both, trained by :class:`~mmbdg.models.JointDiffusionTraining`.

    All random numbers of a sample come from its own generator, see :class:`~mmbdg.sources.DiffusionSource`. The masks have no uncertainty.
    If ``masks.json`` says that the U-Net predicts the masks themselves, its output is converted for the scheduler, see
    :mod:`~mmbdg.sources.mask_prediction`; a call of the pipeline without this makes other images.

    Args:
        model: Folder of the pipeline, with ``masks.json``.
        classes, prompts, negative_prompt, steps, guidance, scheduler, precision, attention_slicing, licence, seed: See
            :class:`~mmbdg.sources.DiffusionSource`.

    Raises:
        InputError: See :class:`~mmbdg.sources.DiffusionSource`; or the pipeline makes no masks, its U-Net has not their channels, or
            predicts masks that cannot be converted for the scheduler.
    """

    makes_masks = True

    def __init__(
        self,
        model: str,
        classes: str | Sequence[str | Mapping[str, str]],
        prompts: str | Sequence[str] | None = None,
        negative_prompt: str = '',
        steps: int = 50,
        guidance: float = 2.0,
        scheduler: Mapping[str, Any] | None = None,
        precision: str = 'float32',
        attention_slicing: bool = False,
        licence: str = '',
        seed: int = 0,
    ) -> None:
        super().__init__(
            model,
            classes,
            prompts=prompts,
            negative_prompt=negative_prompt,
            steps=steps,
            guidance=guidance,
            scheduler=scheduler,
            precision=precision,
            attention_slicing=attention_slicing,
            licence=licence,
            seed=seed,
        )
        self.code = MaskBits.read(self.folder.path)
        if not hasattr(self.pipeline, 'unet'):
            raise InputError(f'{self.folder.path} has {CARD}, but {type(self.pipeline).__name__} has no U-Net that makes images and masks')
        own, channels = self.pipeline.vae.config.latent_channels, self.pipeline.unet.config.in_channels
        if own + self.code.channels != channels:
            raise InputError(
                f'{self.folder.path / CARD}: {len(self.code.labels)} labels and {self.code.patch} pixels for each latent need '
                f'{self.code.channels} channels, the U-Net has {channels - own} beside the {own} of the image'
            )
        check_scheduler(self.pipeline.scheduler, self.code, 'synthesis.source.scheduler')
        self.catalogue = self.catalogue._replace(labels=self.code.labels, ignore=self.code.ignore)

    def draw(self, class_id: int, indices: Sequence[int]) -> Drawn:
        latents, records = self._latents(class_id, indices)
        return Drawn(self._split(latents)[0], latents, records)

    def label(self, class_id: int, indices: Sequence[int], state: Tensor | None = None) -> LabelledBatch:
        if state is None:
            state, records = self._latents(class_id, indices)
        else:
            records = self._condition(class_id, indices)[1]
        images, masks = self._split(state)
        return LabelledBatch(images, masks, state=state, records=records)

    def identity(self) -> dict[str, dict[str, Any]]:
        identity = super().identity()
        identity['config'] |= dict(type='mmbdg.JointDiffusionSource')
        identity['checksums'] |= {CARD: sha256(self.folder.path / CARD)}
        return identity

    def _latents(self, class_id: int, indices: Sequence[int]) -> tuple[Tensor, list[dict[str, Any]]]:
        """Latents of images and masks, float (N,C,s,s), and the records of the samples."""
        self._check_class(class_id)
        if not indices:
            side = self.pipeline.unet.config.sample_size
            return torch.zeros(0, self.pipeline.unet.config.in_channels, side, side, device=self.device), []
        condition, records = self._condition(class_id, indices)
        with sampled_masks(self.pipeline.unet, self.pipeline.scheduler, self.code):
            return self.calls.latents([self.generator(class_id, index) for index in indices], **condition), records

    def _split(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        return split_latents(self.pipeline.vae, self.code, latents.to(self.device))
