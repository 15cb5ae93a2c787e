"""A diffusion model with the interface of a generator: features of its denoiser and of its autoencoder's decoder."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mmbdg.errors import InputError
from mmbdg.generators import denoisers
from mmbdg.generators.base import ClassConditionalGenerator, FeatureInfo
from mmbdg.generators.block_taps import recorded
from mmbdg.generators.diffusers_parts import AUTOENCODERS, DENOISERS, SCHEDULERS, diffusers_part, need_diffusers
from mmbdg.generators.latent_autoencoder import decoded, encoded, reduction
from mmbdg.generators.noise_schedules import levels, nearest_steps, noised, own_noise, scaled
from mmbdg.generators.tap_choice import HALVES, attention_taps, check_halves, check_taps, default_taps
from mmbdg.registry import MODELS

TOLERANCE = 1e-2
"""Distance from [-1,1] allowed in the images given to :meth:`DiffusionGenerator.encode`."""
SMALL = 5_000_000
"""Number of parameters up to which a real pass finds the shapes of the features sooner than one on the meta device."""
LARGE_SIDE, LARGEST_SIDE = 128, 8192
"""Pixels of a side above which these shapes are found on the meta device, because a pass takes much memory; and the largest side."""


class Tap(NamedTuple):
    """Key of a feature: name of a submodule, and step of the schedule; -1 for the decoder, which runs once."""

    name: str
    step: int


_FEATURES: dict[str, tuple[tuple[Tap, ...], tuple[FeatureInfo, ...]]] = {}
"""Taps in the order of the features, and their description, by the configs that determine them."""


@MODELS.register_module()
class DiffusionGenerator(ClassConditionalGenerator):
    """Diffusion model of diffusers' parts with feature taps: a successor of the GAN in BigDatasetGAN, section 3.2.

    One sampling run gives the image and the features: chosen blocks of the denoiser at chosen timesteps of that run (Baranchuk et al.,
    arXiv 2112.03126, take them at noised real images), cross-attention maps of the class's tokens (DatasetDM, arXiv 2308.06160), and
    blocks of the autoencoder's decoder. Forward hooks read them, so the image is the same with and without features, and that of
    diffusers' pipeline for the same initial latents.

    The latent z is the initial noise, N(0, 1), row by row float32 (C*h*w,). Noise that a scheduler adds later is a function of z. So a
    sample is a function of z and y. Noise must not be truncated: a diffusion model needs its full variance.

    A z of twice that width holds a clean latent and noise: an annotated image, see :meth:`encode`. The clean latent is noised to each
    tapped timestep, and the denoiser runs once for each. The image is then the one decoded from the clean latent.

    Text is encoded before: the state dict holds the text embeddings of each class's prompt. No text encoder is needed to sample. The part
    configs are those of the folders of a pipeline; ``tools/convert_generator.py FOLDER DST --from diffusers`` prints them.

    Args:
        denoiser: ``dict(type='UNet2DConditionModel', ...)``; one of :data:`~mmbdg.generators.diffusers_parts.DENOISERS`.
        scheduler: ``dict(type='DDIMScheduler', ...)``; one of :data:`~mmbdg.generators.diffusers_parts.SCHEDULERS`.
        autoencoder: ``dict(type='AutoencoderKL', ...)`` or ``AutoencoderTiny``. Default: None, for a model of pixels.
        num_classes: Number of classes K. Default: 1.
        resolution: Height and width R of an image in pixels. Default: that of the denoiser's ``sample_size``.
        context_length: Number of text embeddings of a prompt, for a denoiser with text. Default: 77.
        steps: Number of sampling steps. Default: 20.
        guidance: Scale of classifier-free guidance; up to 1 means none, as in diffusers. Default: 1.
        taps: Names of the tapped blocks, such as ``denoiser.up_blocks.1`` or ``autoencoder.decoder.mid_block``. Default: see
            :func:`~mmbdg.generators.denoisers.default_blocks` and ``default_decoder_blocks``.
        timesteps: Training timesteps at which the denoiser is tapped, 0 (clean) to ``num_train_timesteps`` - 1 (noise). The nearest step
            of the schedule is used. Default: (100,).
        tapped_half: With guidance, the half of the batch whose features are used: "conditional", "unconditional", or the "mean" of both.
            Default: "conditional".
        attention_maps: Whether each cross-attention layer gives a feature of one channel, see
            :func:`~mmbdg.generators.denoisers.attention_map`. Default: False.
        init_cfg: ``dict(type='mmbdg.PipelineWeights', checkpoint=FOLDER, prompt='a photo of a {}', classes=...)`` for the folder of a
            pipeline, or ``dict(type='Pretrained', checkpoint=...)``. Default: None, for random weights.

    Raises:
        InputError: diffusers is not installed, a part does not exist or does not fit the others, a block does not exist, a timestep lies
            outside of the schedule, or the denoiser has no cross-attention.
    """

    latent_distribution = 'noise'
    embed_dim = 0
    compilable = False
    part_types = (*DENOISERS, *AUTOENCODERS, *SCHEDULERS)

    def __init__(
        self,
        denoiser: dict,
        scheduler: dict,
        autoencoder: dict | None = None,
        num_classes: int = 1,
        resolution: int | None = None,
        context_length: int = 77,
        steps: int = 20,
        guidance: float = 1.0,
        taps: Sequence[str] | None = None,
        timesteps: Sequence[int] = (100,),
        tapped_half: Literal['conditional', 'unconditional', 'mean'] = 'conditional',
        attention_maps: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        need_diffusers('mmbdg.DiffusionGenerator')
        self.num_classes, self.steps, self.guidance, self.tapped_half = num_classes, steps, guidance, tapped_half
        self.denoiser: nn.Module = diffusers_part(denoiser, DENOISERS, 'generator.denoiser')
        self.autoencoder: nn.Module | None = autoencoder and diffusers_part(autoencoder, AUTOENCODERS, 'generator.autoencoder')
        with torch.device('cpu'):  # a schedule is computed from numbers, which the meta device has not
            self.scheduler = diffusers_part(scheduler, SCHEDULERS, 'generator.scheduler')
            if str(self.scheduler.config.get('variance_type')).startswith('learned'):
                raise InputError('generator.scheduler.variance_type: predicted variances are not used; set it to "fixed_small"')
            total = self.scheduler.config['num_train_timesteps']
            if not 1 <= steps <= total:
                raise InputError(f'steps must lie in 1..{total}, the timesteps of the scheduler; got {steps}')
            self._start('cpu')
            schedule = levels(self.scheduler)
        denoisers.check_conditions(self.denoiser, num_classes)
        self._set_sizes(resolution)
        self._add_conditions(context_length)
        check_halves(tapped_half, guidance, attention_maps, denoisers.has_empty_condition(self.denoiser, num_classes))
        self._attention = attention_taps(self.denoiser) if attention_maps else ()
        self._blocks = default_taps(self.denoiser, self.autoencoder) if taps is None else tuple(taps)
        check_taps(self._blocks, self)
        steps_of_timesteps = nearest_steps(tuple(timesteps), schedule, total)
        of_denoiser = any(name.startswith('denoiser.') for name in (*self._blocks, *self._attention))
        self._tapped_steps = steps_of_timesteps if of_denoiser else ()
        self.train(self.training)
        key = repr((denoiser, autoencoder, self.resolution, context_length, self._blocks, self._attention, self._tapped_steps))
        if key not in _FEATURES:
            _FEATURES[key] = self._found_features()
        self._order, self.feature_info = _FEATURES[key]

    # Construction

    def _set_sizes(self, resolution: int | None) -> None:
        """Set the resolution and the shape of the latents.

        Raises:
            InputError: The parts do not fit each other or the resolution.
        """
        config, channels = self.denoiser.config, self.denoiser.config['in_channels']
        factor = reduction(self.autoencoder, channels)
        if (outputs := config['out_channels']) not in (channels, 2 * channels):
            raise InputError(f'generator.denoiser.out_channels must be {channels}, or {2 * channels} with variances; got {outputs}')
        side = config['sample_size'] if resolution is None else resolution / factor
        if not isinstance(config['sample_size'], int) and resolution is None:
            raise InputError(f'generator.denoiser.sample_size is {config["sample_size"]}, not one number: give resolution')
        if side != int(side) or side < 1 or (type(self.denoiser).__name__ == 'DiTTransformer2DModel' and side != config['sample_size']):
            own = config['sample_size']
            raise InputError(f'resolution {resolution} does not fit: it is reduced by {factor}, and the denoiser takes {own} a side')
        if side * factor > LARGEST_SIDE:
            raise InputError(f'the images would have {side * factor:,.0f} px a side; at most {LARGEST_SIDE:,} are possible')
        self._latent_shape = (channels, int(side), int(side))
        self.resolution, self.latent_dim = int(side) * factor, channels * int(side) ** 2

    def _add_conditions(self, context_length: int) -> None:
        """Add the text embeddings of each class and of the empty prompt to the state dict."""
        if denoisers.takes_labels(self.denoiser):
            return
        length, width, pooled = context_length, denoisers.context_width(self.denoiser), denoisers.pooled_width(self.denoiser)
        if length < 1:
            raise InputError(f'context_length must be at least 1, got {length}')
        self.register_buffer('class_context', torch.zeros(self.num_classes, length, width))
        self.register_buffer('empty_context', torch.zeros(length, width))
        tokens = torch.zeros(self.num_classes, length)
        tokens[:, min(1, length - 1)] = 1
        self.register_buffer('class_tokens', tokens)  # each row has the sum 1: the tokens of the class's name
        if pooled:
            self.register_buffer('class_pooled', torch.zeros(self.num_classes, pooled))
            self.register_buffer('empty_pooled', torch.zeros(pooled))

    def _found_features(self) -> tuple[tuple[Tap, ...], tuple[FeatureInfo, ...]]:
        """Find the shapes of the features in a pass, on the meta device if the network or the image is large."""
        weights = dict(chain(self.named_parameters(), self.named_buffers()))
        large = sum(value.numel() for value in weights.values()) > SMALL or self.resolution > LARGE_SIDE
        state = {f'generator.{name}': torch.empty_like(value, device='meta') for name, value in weights.items()} if large else {}
        device = torch.device('meta') if large else next(self.denoiser.parameters()).device
        shapes = functional_call(_ShapePass(self), state, (device,))
        names = (*self._blocks, *self._attention)
        if lacking := [name for name in names if name not in shapes]:
            raise InputError(f'taps: the block "{lacking[0]}" does not run when an image is sampled: choose another block')
        if wrong := [name for name in names if self.resolution % shapes[name][1]]:
            raise InputError(f'taps: the feature of "{wrong[0]}" has {shapes[wrong[0]][1]} px, which do not divide {self.resolution} px')
        taps = [Tap(name, step) for name in names for step in (self._tapped_steps if name.startswith('denoiser.') else (-1,))]
        order = tuple(sorted(taps, key=lambda tap: shapes[tap.name][1]))
        return order, tuple(
            FeatureInfo(shapes[tap.name][0], shapes[tap.name][1], tap.name, self.resolution // shapes[tap.name][1]) for tap in order
        )

    # Sampling

    @torch.no_grad()
    def generate(self, z: Tensor, y: Tensor, features: list[Tensor] | None = None) -> Tensor:
        found: dict[Tap, Tensor] | None = None if features is None else {}
        if z.shape[1] == self.latent_dim:
            shared = torch.get_rng_state()
            clean = self._denoised(z, y, found)
            if not torch.equal(shared, torch.get_rng_state()):
                raise InputError(
                    f'{type(self.scheduler).__name__} with these values draws random numbers that do not belong to a sample; choose '
                    'another scheduler, such as DDIMScheduler'
                )
        else:
            clean, noise = (part.unflatten(1, self._latent_shape) for part in z.chunk(2, dim=1))
            if found is not None:
                self._tap_annotated(clean, noise, y, found)
        with self._recording('autoencoder', -1, found):
            image = self._decoded(clean)
        if features is not None:
            features += [found[tap] for tap in self._order]
        return image

    def _denoised(self, z: Tensor, y: Tensor, found: dict[Tap, Tensor] | None) -> Tensor:
        """Sample clean latents (N,C,h,w) from noise (N,C*h*w), as diffusers' pipelines do."""
        halves = self._sampled_halves()
        conditions, tokens = self._conditions(y, halves), self._tokens(y)
        further = own_noise(self.scheduler, z)
        timesteps = self._start(z.device)
        x = z.unflatten(1, self._latent_shape) * getattr(self.scheduler, 'init_noise_sigma', 1.0)
        for step, timestep in enumerate(timesteps):
            inputs = scaled(self.scheduler, torch.cat([x] * len(halves)), timestep)
            with self._recording('denoiser', step, found if step in self._tapped_steps else None, halves, tokens):
                predicted = denoisers.predict(self.denoiser, inputs, timestep, conditions)
            x = self.scheduler.step(self._guided(predicted, halves), timestep, x, **further, return_dict=False)[0]
        return x

    def _tap_annotated(self, clean: Tensor, noise: Tensor, y: Tensor, found: dict[Tap, Tensor]) -> None:
        """Noise clean latents to each tapped step, and keep the denoiser's features there."""
        halves = self._tapped_halves()
        conditions, tokens = self._conditions(y, halves), self._tokens(y)
        for step in self._tapped_steps:
            timestep = self._start(clean.device)[step]  # a new run, because some schedulers count their calls
            noisy = scaled(self.scheduler, noised(self.scheduler, clean, noise, timestep), timestep)
            with self._recording('denoiser', step, found, halves, tokens):
                denoisers.predict(self.denoiser, torch.cat([noisy] * len(halves)), timestep, conditions)

    def _start(self, device: torch.device | str) -> Tensor:
        """Start a run of the scheduler; return its timesteps."""
        self.scheduler.set_timesteps(self.steps, device=device)
        return self.scheduler.timesteps

    def _sampled_halves(self) -> tuple[str, ...]:
        """Conditions of the parts of a batch, in the order of diffusers' pipeline: another order rounds differently."""
        if self.guidance <= 1:
            return HALVES[:1]
        return HALVES if denoisers.conditional_first(self.denoiser) else HALVES[::-1]

    def _tapped_halves(self) -> tuple[str, ...]:
        """Conditions that the features need."""
        return self._sampled_halves() if self.tapped_half == 'mean' else (self.tapped_half,)

    def _conditions(self, y: Tensor, halves: Sequence[str]) -> dict[str, Tensor]:
        """Conditions of the denoiser, by the names of its arguments."""
        if not denoisers.takes_labels(self.denoiser):
            given = dict(encoder_hidden_states=(self.class_context, self.empty_context))
            if denoisers.pooled_width(self.denoiser):
                given['pooled_projections'] = (self.class_pooled, self.empty_pooled)
            return {
                name: torch.cat([own[y] if half == 'conditional' else empty.expand(len(y), *empty.shape) for half in halves])
                for name, (own, empty) in given.items()
            }
        if denoisers.has_no_condition(self.denoiser):
            return {}
        null = denoisers.null_label(self.denoiser, self.num_classes)
        return dict(class_labels=torch.cat([y if half == 'conditional' else torch.full_like(y, null) for half in halves]))

    def _guided(self, predicted: Tensor, halves: Sequence[str]) -> Tensor:
        """Combine the predictions of both halves (Ho and Salimans, arXiv 2207.12598)."""
        if len(halves) == 1:
            return predicted
        half = dict(zip(halves, predicted.chunk(2), strict=True))
        return half['unconditional'] + self.guidance * (half['conditional'] - half['unconditional'])

    # Features

    def _recording(
        self,
        part: str,
        step: int,
        found: dict[Tap, Tensor] | None,
        halves: Sequence[str] = HALVES[:1],
        tokens: Tensor | None = None,
    ) -> AbstractContextManager:
        """Context of a pass of a part, in which its features get into ``found``; None: no features."""
        if found is None:
            return nullcontext()

        def of_block(module: nn.Module, args: tuple, kwargs: Mapping[str, Any], output: Any) -> Tensor:
            feature = denoisers.feature_map(output, self.denoiser)
            return feature if part == 'autoencoder' else self._of_half(feature, halves)

        def of_attention(module: nn.Module, args: tuple, kwargs: Mapping[str, Any], output: Any) -> Tensor:
            hidden, context = args[0] if args else kwargs['hidden_states'], kwargs['encoder_hidden_states']
            rows = slice(halves.index('conditional') * len(tokens), (halves.index('conditional') + 1) * len(tokens))
            attention = denoisers.attention_map(module, hidden[rows], context[rows], tokens)
            return denoisers.feature_map(attention[:, :, None], self.denoiser)

        reads = dict.fromkeys(self._blocks, of_block) | dict.fromkeys(self._attention, of_attention)
        return recorded(
            {Tap(name, step): (self.get_submodule(name), read) for name, read in reads.items() if name.startswith(f'{part}.')}, found
        )

    def _of_half(self, feature: Tensor, halves: Sequence[str]) -> Tensor:
        """Rows of a feature that ``tapped_half`` names."""
        half = dict(zip(halves, feature.chunk(len(halves)), strict=True))
        return (half['conditional'] + half['unconditional']) / 2 if self.tapped_half == 'mean' else half[self.tapped_half]

    def _tokens(self, y: Tensor) -> Tensor | None:
        """Weights of the text embeddings in attention maps, (N,L)."""
        return self.class_tokens[y] if self._attention else None

    @property
    def takes_text(self) -> bool:
        """Whether the classes are text embeddings in the state dict."""
        return not denoisers.takes_labels(self.denoiser)

    # Annotated images

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Images float (N,3,R,R) in [-1,1] -> clean latents float32 (N,latent_dim), without sampling.

        Clean latents and noise of the same width, side by side, are an annotated latent, see the class.

        Raises:
            InputError: The images have another shape or dtype, or (checked only on the CPU) another range.
        """
        if images.shape[1:] != (3, self.resolution, self.resolution) or not images.is_floating_point():
            raise InputError(
                f'images must be float (N, 3, {self.resolution}, {self.resolution}), got {images.dtype} of shape {tuple(images.shape)}; '
                'resize and normalise them first'
            )
        if images.device.type == 'cpu' and len(images) and not images.abs().max() <= 1 + TOLERANCE:
            raise InputError(f'images must lie in [-1, 1], got {images.min():.3g}..{images.max():.3g}; pixels p are p / 127.5 - 1 there')
        return encoded(self.autoencoder, images, self._latent_shape[0]).flatten(1).float()

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Clean latents float (N,latent_dim), as from :meth:`encode` -> images float32 (N,3,R,R) in [-1,1].

        Raises:
            InputError: The latents have another shape.
        """
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim:
            raise InputError(f'latents must be (N, {self.latent_dim}), got {tuple(latents.shape)}')
        return self._decoded(latents.unflatten(1, self._latent_shape))

    def _decoded(self, clean: Tensor) -> Tensor:
        """Clean latents (N,C,h,w) -> images float32 (N,3,R,R) in [-1,1]."""
        return decoded(self.autoencoder, clean).float().clamp(-1, 1).expand(-1, 3, -1, -1)

    # Interface of generators

    def check_inputs(self, z: Tensor, y: Tensor) -> None:
        """Raise InputError unless z is noise (N,latent_dim) or annotated latents (N,2*latent_dim), and y holds N class indices."""
        if z.ndim != 2 or z.shape[1] not in (self.latent_dim, 2 * self.latent_dim):
            raise InputError(
                f'z must be (N, {self.latent_dim}) for this DiffusionGenerator, or (N, {2 * self.latent_dim}) for annotated images, got '
                f'{tuple(z.shape)}; it may belong to another generator'
            )
        if not z.is_floating_point():
            raise InputError(f'z must be floating point for this DiffusionGenerator, got {z.dtype}')
        super().check_inputs(z[:, : self.latent_dim], y)

    def reset_parameters(self) -> None:
        """Set random text embeddings. The parts keep the initial weights of diffusers."""
        for name, value in self.named_buffers(recurse=False):
            if name.startswith(('class_context', 'empty_context', 'class_pooled', 'empty_pooled')):
                nn.init.normal_(value)

    def train(self, mode: bool = True) -> 'DiffusionGenerator':
        """Set the mode of this module; the parts stay in eval mode, because they are not trained here."""
        super().train(mode)
        self.denoiser.eval()
        if self.autoencoder is not None:
            self.autoencoder.eval()
        return self


class _ShapePass(nn.Module):
    """A pass of both parts that returns (channels, side) of each feature by name."""

    def __init__(self, generator: DiffusionGenerator) -> None:
        super().__init__()
        self.generator = generator

    @torch.no_grad()
    def forward(self, device: torch.device) -> dict[str, tuple[int, int]]:
        own, found = self.generator, {}
        y = torch.zeros(1, dtype=torch.int64, device=device)
        halves, clean = own._tapped_halves(), torch.zeros(1, *own._latent_shape, device=device)
        with own._recording('denoiser', 0, found, halves, own._tokens(y)):
            conditions = own._conditions(y, halves)
            denoisers.predict(own.denoiser, clean.repeat(len(halves), 1, 1, 1), torch.zeros((), device=device), conditions)
        with own._recording('autoencoder', 0, found):
            image = own._decoded(clean)
        if image.shape[2:] != (own.resolution, own.resolution):  # the autoencoder has other strides than those of its number of blocks
            raise InputError(f'the autoencoder gives images of {image.shape[2]} px for latents of {clean.shape[2]} px: it is not supported')
        return {tap.name: tuple(feature.shape[1:3]) for tap, feature in found.items()}
