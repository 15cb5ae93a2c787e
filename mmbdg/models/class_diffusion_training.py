"""Training of a class-conditional latent diffusion transformer as an mmengine model."""

import copy
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmbdg.addressed import torch_generator_at
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.diffusers_parts import diffusers_part
from mmbdg.models.latent_diffusion import LatentDiffusionTraining, check_fraction
from mmbdg.registry import MODELS

if TYPE_CHECKING:
    from diffusers import DiTPipeline

TRANSFORMERS = ('DiTTransformer2DModel',)
NULL_CLASS = 1000
"""Label of the empty condition. It is a constant in diffusers' ``DiTPipeline``, whatever the number of classes."""
PRECISIONS = dict(float32=torch.float32, float16=torch.float16)


@MODELS.register_module()
class ClassDiffusionTraining(LatentDiffusionTraining):
    """Trains a class-conditional latent diffusion transformer (Peebles and Xie, 2023) as diffusers' ``DiTPipeline`` samples it.

    The autoencoder is frozen. Some labels are replaced by the empty one, for classifier-free guidance (Ho and Salimans, 2022). diffusers'
    own replacement is switched off: it draws in each block anew, so that hardly any training image would be without a label in all
    blocks, which is how guidance uses the network. The modulations and the output start at zero, as in the paper (adaLN-Zero), which
    diffusers leaves to published weights.

    Arguments that are not listed are those of :class:`~mmbdg.models.latent_diffusion.LatentDiffusionTraining`.

    Args:
        transformer: Config of the transformer, ``dict(type='DiTTransformer2DModel', ...)``. Its ``sample_size`` must be that of the
            latents. ``in_channels`` and ``out_channels`` (those of the autoencoder) and ``num_embeds_ada_norm`` (1000, see
            :data:`NULL_CLASS`) may be left out; other values are errors.
        empty_label: Fraction of empty labels, in [0,1). Default: 0.1.
        export_precision: Numbers in the exported transformer: "float32", or "float16" (half the size; it is rounded). Default: "float32".

    Raises:
        InputError: As in the base class; or there are more than 1,000 classes.
    """

    def __init__(
        self,
        autoencoder: str,
        transformer: dict,
        scheduler: dict,
        classes: Sequence[str] | str,
        empty_label: float = 0.1,
        timesteps: str = 'uniform',
        guidance_scale: float = 2.0,
        num_inference_steps: int = 10,
        seed: int = 0,
        export_precision: str = 'float32',
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(autoencoder, scheduler, classes, timesteps, guidance_scale, num_inference_steps, seed, data_preprocessor, init_cfg)
        if export_precision not in PRECISIONS:
            raise InputError(f'model.export_precision is one of {", ".join(PRECISIONS)}, got {export_precision!r}')
        self.empty_label, self.export_precision = check_fraction(empty_label, 'empty_label'), export_precision
        channels = self.autoencoder.config.latent_channels
        sizes = dict(in_channels=channels, out_channels=channels, num_embeds_ada_norm=NULL_CLASS)
        self.transformer: nn.Module = diffusers_part(sizes | transformer, TRANSFORMERS, 'model.transformer')
        self._check_sizes()
        _initialise(self.transformer)

    def _check_sizes(self) -> None:
        config, wanted = self.transformer.config, self.autoencoder.config.latent_channels
        if not config.in_channels == config.out_channels == wanted:
            raise InputError(
                f'the autoencoder has {wanted} latent channels: model.transformer.in_channels and out_channels must be {wanted}'
            )
        if config.num_embeds_ada_norm != NULL_CLASS:
            raise InputError(
                f'model.transformer.num_embeds_ada_norm must be {NULL_CLASS}: that is the empty label of the DiTPipeline of diffusers; '
                f'got {config.num_embeds_ada_norm}'
            )
        if len(self.classes) > NULL_CLASS:
            raise InputError(f'a diffusion transformer of diffusers has at most {NULL_CLASS} classes, got {len(self.classes)}')

    def train(self, mode: bool = True) -> 'ClassDiffusionTraining':
        super().train(mode)
        for block in self.transformer.transformer_blocks:
            block.norm1.emb.class_embedder.eval()  # no replacement of labels in each block, see the class
        return self

    def _condition(self, class_ids: Tensor) -> Tensor:
        empty = torch.rand(len(class_ids), device=class_ids.device) < self.empty_label
        return torch.where(empty, NULL_CLASS, class_ids)

    def _predict(self, noisy: Tensor, steps: Tensor, condition: Tensor) -> Tensor:
        self._check_side(noisy.shape[-2:])
        return self.transformer(noisy, steps, condition).sample

    def _check_side(self, sides: Sequence[int]) -> None:
        wanted = self.transformer.config.sample_size
        if tuple(sides) != (wanted, wanted):
            raise InputError(
                f'model.transformer.sample_size is {wanted}, but the latents of these images have {sides[0]} x {sides[1]}: a diffusion '
                'transformer is trained at one size'
            )

    def pipeline(self) -> 'DiTPipeline':
        return self._pipeline(self.transformer)

    def _pipeline(self, transformer: nn.Module) -> 'DiTPipeline':
        from diffusers import DiTPipeline

        names = {str(label): name for label, name in enumerate(self.classes)}  # keys as they are read from JSON
        pipeline = DiTPipeline(transformer, self.autoencoder, self.scheduler, names)
        pipeline.register_to_config(id2label=names)  # __init__ of diffusers does not
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @torch.no_grad()
    def images(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None = None) -> Tensor:
        """Generate the images of N addresses: those of ``mmbdg.DiffusionSource`` with the same seed.

        Args:
            class_ids: Class index of each image.
            indices: Index of each image within its class.
            size: Height and width in pixels, which must be the transformer's own; None: no check.

        Returns:
            uint8 (N,3,R,R), on the device of the model.
        """
        if size is not None:
            factor = 2 ** (len(self.autoencoder.config.block_out_channels) - 1)
            self._check_side([length // factor for length in size])
        images = self.pipeline()(
            list(class_ids),
            generator=[torch_generator_at(self.seed, c, i) for c, i in zip(class_ids, indices, strict=True)],
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            output_type='pt',
        ).images
        return to_pixels(images * 2 - 1)

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write the pipeline in diffusers' layout, with the names of the classes, for ``DiTPipeline.from_pretrained``."""
        transformer = copy.deepcopy(self.transformer)
        for parameter in transformer.parameters():
            parameter.data = parameter.data.to(PRECISIONS[self.export_precision])
        self._pipeline(transformer).save_pretrained(folder, safe_serialization=True)


def _initialise(transformer: nn.Module) -> None:
    """Initialise a ``DiTTransformer2DModel``: blocks start as the identity and the output as zero (Peebles and Xie, 2023, section 3.2)."""
    for block in transformer.transformer_blocks:
        nn.init.normal_(block.norm1.emb.class_embedder.embedding_table.weight, std=0.02)
        nn.init.zeros_(block.norm1.linear.weight)
        nn.init.zeros_(block.norm1.linear.bias)
    for layer in (transformer.proj_out_1, transformer.proj_out_2):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
