"""Training of a latent text-to-image diffusion model as an mmengine model."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.logging import print_log
from torch import Tensor, nn

from mmbdg.addressed import generator_at
from mmbdg.errors import InputError
from mmbdg.generators import to_pixels
from mmbdg.generators.diffusers_parts import diffusers_part
from mmbdg.models.diffusers_parts import caption_tokenizer, split_names
from mmbdg.models.latent_diffusion import LatentDiffusionTraining, check_fraction
from mmbdg.registry import MODELS
from mmbdg.sources.pipelines import quiet

if TYPE_CHECKING:
    from diffusers import StableDiffusionPipeline

UNETS = ('UNet2DConditionModel',)


@MODELS.register_module()
class DiffusionTraining(LatentDiffusionTraining):
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
        prompt_length: Number of tokens to which prompts are padded or truncated. Default: 24. A given ``tokenizer`` has its own.
        timesteps: Distribution of the noise levels in training: "uniform", or "logit_normal" (more in the middle). Default: "uniform".
        guidance_scale: Guidance scale of validations and sample pictures. Default: 2.
        num_inference_steps: Number of sampling steps of validations and sample pictures. Default: 10.
        seed: Seed of the noise of validations and sample pictures. Default: 0.
        data_preprocessor: Config of a data preprocessor that scales images to [-1,1].
        init_cfg: See mmengine's ``BaseModule``.
        tokenizer: Tokenizer of a given text encoder. Default None: made from the captions, with ``prompt_length``.

    Raises:
        InputError: diffusers is not installed, a part does not exist or does not fit the others, a caption has no ``{}`` or more tokens
            than a given text encoder reads, or ``prompt_length`` is given beside a tokenizer.
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
        prompt_length: int | None = None,
        timesteps: str = 'uniform',
        guidance_scale: float = 2.0,
        num_inference_steps: int = 10,
        seed: int = 0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        tokenizer: Any = None,
    ) -> None:
        super().__init__(autoencoder, scheduler, classes, timesteps, guidance_scale, num_inference_steps, seed, data_preprocessor, init_cfg)
        from transformers import CLIPTextConfig, CLIPTextModel

        self.captions, self.empty_prompt = _captions(captions), check_fraction(empty_prompt, 'empty_prompt')
        if tokenizer is None:
            prompt_length = 24 if prompt_length is None else prompt_length
            self.tokenizer = caption_tokenizer([form.format(name) for form in self.captions for name in self.classes], prompt_length)
        else:
            if prompt_length is not None:
                raise InputError(f'model.prompt_length has no effect: the pipeline reads {tokenizer.model_max_length} tokens; remove it')
            self.tokenizer = tokenizer
            self._check_captions()
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

    def _check_captions(self) -> None:
        """Check that a given tokenizer truncates no caption, and log the names of classes that it splits."""
        most = self.tokenizer.model_max_length
        for text in (form.format(name) for form in self.captions for name in self.classes):
            with quiet():  # transformers' own words about a long text
                count = len(self.tokenizer(text).input_ids)
            if count > most:
                raise InputError(
                    f'the caption "{text}" has {count} tokens, the text encoder of this pipeline reads {most}: shorten model.captions or '
                    'the name of the class (a word that the tokenizer does not know is several tokens)'
                )
        if split := split_names(self.tokenizer, self.classes):
            print_log(
                'words of class names that are several tokens: '
                + ', '.join(f'{word} ({count})' for word, count in split.items())
                + '; a small text encoder may never have seen them: train it too (with adapters: model.text_lora)',
                'current',
            )

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

    def _condition(self, class_ids: Tensor) -> Tensor:
        count = len(class_ids)
        tokens = self._caption_tokens[torch.randint(len(self.captions), (count,), device=class_ids.device), class_ids]
        empty = torch.rand(count, 1, device=tokens.device) < self.empty_prompt
        return torch.where(empty, self._empty_tokens, tokens)

    def _predict(self, noisy: Tensor, steps: Tensor, condition: Tensor) -> Tensor:
        return self.unet(noisy, steps, self.text_encoder(condition).last_hidden_state).sample

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


def _captions(captions: Sequence[str]) -> tuple[str, ...]:
    if isinstance(captions, str) or not captions:
        raise InputError(f'model.captions is a list of captions, such as ("a photo of a {{}}",); got {captions!r}')
    if wrong := [form for form in captions if form.count('{}') != 1 or form.replace('{}', '').strip('{}') != form.replace('{}', '')]:
        raise InputError(f'model.captions: {wrong[0]!r} must have one {{}}, where the name of the class is put, and no other braces')
    return tuple(captions)
