"""Training of a latent text-to-image diffusion model as an mmengine model."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.addressed import generator_at
from mmbdg.assets.class_lists import class_names as names_of
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.diffusers_parts import diffusers_part, latents_of, need_diffusers
from mmbdg.models.diffusers_parts import caption_tokenizer, read_autoencoder
from mmbdg.registry import MODELS

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

UNETS = ('UNet2DConditionModel',)
SCHEDULERS = ('DDIMScheduler', 'DDPMScheduler')
"""Schedulers of diffusers that support both training (noisy latents and velocity) and sampling."""


@MODELS.register_module()
class DiffusionTraining(BaseModel):
    """Trains a text-conditional latent diffusion model from the parts of diffusers' ``StableDiffusionPipeline``.

    The U-Net and the text encoder are trained together; the autoencoder is frozen. Each image's caption is one of several forms with the
    name of its class. Some captions are empty, for classifier-free guidance (Ho and Salimans, 2022). With mmengine's ``EMAHook``
    validations, the ``state_dict`` of checkpoints and exports use the averaged weights.

    ``predict`` returns the data samples with ``real`` and ``generated``, uint8 (3,R,R): for each real image one of its class, sampled by
    the exported pipeline from the noise at the address (class, sample_idx).

    Args:
        autoencoder: Folder of a diffusers autoencoder, see :func:`~mmbdg.models.diffusers_parts.read_autoencoder`; or an autoencoder.
        unet: Config of the U-Net, ``dict(type='UNet2DConditionModel', ...)``, or a U-Net. Its channels and ``cross_attention_dim`` must be
            those of the autoencoder and of the text encoder.
        text_encoder: Arguments of ``transformers.CLIPTextConfig``, without those of the vocabulary and of the length; or a text encoder,
            then with its ``tokenizer``.
        scheduler: Config of the noise and of the sampling, ``dict(type='DDIMScheduler', ...)``, or a scheduler; its ``prediction_type`` is
            the target of the U-Net: "epsilon", "v_prediction" or "sample".
        classes: Names of the classes, or the name of an embedded list.
        captions: Forms of captions, each with one ``{}`` for the name; the first is the prompt of validations and sample pictures.
        empty_prompt: Fraction of empty captions, in [0,1). Default: 0.1.
        prompt_length: Number of tokens to which prompts are padded or truncated. Default: 24.
        timesteps: Distribution of the noise levels in training: "uniform", or "logit_normal" (more in the middle). Default: "uniform".
        guidance_scale: Guidance scale of validations and sample pictures. Default: 2.
        num_inference_steps: Number of sampling steps of validations and sample pictures. Default: 10.
        seed: Seed of the noise of validations and sample pictures. Default: 0.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.
        tokenizer: Tokenizer of a given text encoder. Default None: made from the captions, with ``prompt_length``.

    Raises:
        InputError: diffusers is not installed, a part does not exist or does not fit the others, or a caption has no ``{}``.
    """

    def __init__(
        self,
        autoencoder: str | nn.Module,
        unet: dict | nn.Module,
        text_encoder: dict | nn.Module,
        scheduler: dict | Any,
        classes: Sequence[str] | str,
        captions: Sequence[str] = ('a photo of a {}',),
        empty_prompt: float = 0.1,
        prompt_length: int = 24,
        timesteps: str = 'uniform',
        guidance_scale: float = 2.0,
        num_inference_steps: int = 10,
        seed: int = 0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        tokenizer: Any = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        need_diffusers('mmbdg.DiffusionTraining')
        from transformers import CLIPTextConfig, CLIPTextModel

        if timesteps not in ('uniform', 'logit_normal') or not 0 <= empty_prompt < 1:
            raise InputError(
                f'model.timesteps is "uniform" or "logit_normal", model.empty_prompt lies in [0,1); got {timesteps!r} and {empty_prompt!r}'
            )
        self.classes = names_of(classes)
        self.captions = _captions(captions)
        self.empty_prompt, self.timesteps = empty_prompt, timesteps
        self.guidance_scale, self.num_inference_steps, self.seed = guidance_scale, num_inference_steps, seed
        self.scheduler = diffusers_part(scheduler, SCHEDULERS, 'model.scheduler') if isinstance(scheduler, Mapping) else scheduler
        self.sampler = self.scheduler
        self.tokenizer = (
            caption_tokenizer([form.format(name) for form in self.captions for name in self.classes], prompt_length)
            if tokenizer is None
            else tokenizer
        )
        self.autoencoder: nn.Module = autoencoder if isinstance(autoencoder, nn.Module) else read_autoencoder(autoencoder)
        if isinstance(text_encoder, Mapping):
            special = {f'{name}_token_id': getattr(self.tokenizer, f'{name}_token_id') for name in ('bos', 'eos', 'pad')}
            sizes = dict(vocab_size=len(self.tokenizer), max_position_embeddings=prompt_length)
            text_encoder = CLIPTextModel(CLIPTextConfig(**text_encoder, **sizes, **special))
        self.text_encoder: nn.Module = text_encoder
        self.unet: nn.Module = diffusers_part(unet, UNETS, 'model.unet') if isinstance(unet, Mapping) else unet
        self._check_sizes()
        tokens = [self._tokens([form.format(name) for name in self.classes]) for form in self.captions]
        self.register_buffer('_caption_tokens', torch.stack(tokens), persistent=False)  # (forms, classes, length)
        self.register_buffer('_empty_tokens', self._tokens(['']), persistent=False)

    def _check_sizes(self) -> None:
        channels, wanted = self.unet.config.in_channels, self.latent_channels
        if not channels == self.unet.config.out_channels == wanted:
            own = self.autoencoder.config.latent_channels
            more = f' and the masks {wanted - own}' if wanted > own else ''
            raise InputError(f'the autoencoder has {own} latent channels{more}: model.unet.in_channels and out_channels must be {wanted}')
        width, wanted = self.unet.config.cross_attention_dim, self.text_encoder.config.hidden_size
        if width != wanted:
            raise InputError(f'model.unet.cross_attention_dim is {width}, model.text_encoder.hidden_size {wanted}: they must be equal')

    @property
    def latent_channels(self) -> int:
        """Number of channels that the U-Net denoises."""
        return self.autoencoder.config.latent_channels

    def _tokens(self, texts: Sequence[str]) -> Tensor:
        return self.tokenizer(list(texts), padding='max_length', truncation=True, return_tensors='pt').input_ids

    def init_weights(self) -> None:
        """Do nothing: the networks are initialised when they are built, the autoencoder from its folder."""

    def train(self, mode: bool = True) -> 'DiffusionTraining':
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
        """Mean squared error of the U-Net's prediction at random noise levels.

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
        count = len(latents)
        tokens = self._caption_tokens[torch.randint(len(self.captions), (count,), device=class_ids.device), class_ids]
        empty = torch.rand(count, 1, device=tokens.device) < self.empty_prompt
        tokens = torch.where(empty, self._empty_tokens, tokens)
        noise, steps = torch.randn_like(latents), self._steps(count, latents.device)
        noisy = self.scheduler.add_noise(latents, noise, steps)
        predicted = self.unet(noisy, steps, self.text_encoder(tokens).last_hidden_state).sample
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

    def pipeline(self) -> 'StableDiffusionPipeline':
        """Diffusers' pipeline of these networks, without a safety checker. It shares their weights."""
        return self._pipeline(self.unet, self.text_encoder)

    def _pipeline(self, unet: nn.Module, text_encoder: nn.Module) -> 'StableDiffusionPipeline':
        from diffusers import StableDiffusionPipeline

        pipeline = StableDiffusionPipeline(
            vae=self.autoencoder,
            text_encoder=text_encoder,
            tokenizer=self.tokenizer,
            unet=unet,
            scheduler=self.sampler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    @torch.no_grad()
    def images(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None = None) -> Tensor:
        """Generate the images of N addresses.

        Args:
            class_ids: Class index of each image.
            indices: Index of each image within its class.
            size: Height and width in pixels; None: the U-Net's ``sample_size``.

        Returns:
            uint8 (N,3,R,R), on the device of the model.
        """
        return to_pixels(self._sample(class_ids, indices, size, 'pt') * 2 - 1)

    def _sample(self, class_ids: Sequence[int], indices: Sequence[int], size: Sequence[int] | None, output: str) -> Tensor:
        """Output of the pipeline for N addresses: "pt", images float (N,3,R,R) in [0,1]; "latent", latents."""
        channels, factor = self.latent_channels, 2 ** (len(self.autoencoder.config.block_out_channels) - 1)
        side = self.unet.config.sample_size
        height, width = (side, side) if size is None else (length // factor for length in size)
        noise = [
            generator_at('diffusion', self.seed, c, i).standard_normal((channels, height, width))
            for c, i in zip(class_ids, indices, strict=True)
        ]
        device = next(self.unet.parameters()).device
        return self.pipeline()(
            [self.captions[0].format(self.classes[c]) for c in class_ids],
            height=height * factor,
            width=width * factor,
            latents=torch.from_numpy(np.stack(noise)).float().to(device),
            num_inference_steps=self.num_inference_steps,
            guidance_scale=self.guidance_scale,
            output_type=output,
        ).images

    def save_pretrained(self, folder: str | os.PathLike) -> None:
        """Write the pipeline in diffusers' layout, for ``AutoPipelineForText2Image.from_pretrained``."""
        self.pipeline().save_pretrained(folder, safe_serialization=True)


def _captions(captions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(captions, str) or not captions:
        raise InputError(f'model.captions is a list of captions, such as ("a photo of a {{}}",); got {captions!r}')
    if wrong := [form for form in captions if form.count('{}') != 1 or form.replace('{}', '').strip('{}') != form.replace('{}', '')]:
        raise InputError(f'model.captions: {wrong[0]!r} must have one {{}}, where the name of the class is put, and no other braces')
    return tuple(captions)
