"""Class-conditional VQGAN (Esser et al. 2021): a transformer draws tokens, and a decoder turns them into an image."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator, FeatureInfo
from mmbdg.generators.token_sampling import check_settings, draw
from mmbdg.generators.vqgan_autoencoder import Autoencoder, check_sizes
from mmbdg.generators.vqgan_transformer import Transformer
from mmbdg.registry import MODELS

# Distance from [-1,1] allowed in the images given to encode, for rounding in normalisation or resizing.
TOLERANCE = 1e-2


MOST_LAYERS = 256
"""Largest number of transformer blocks; the released model has 48."""


@MODELS.register_module()
class VQGAN(ClassConditionalGenerator):
    """VQGAN (Taming Transformers, arXiv 2012.09841) with feature taps. The defaults are those of the released ImageNet model.

    An image is represented by L = (resolution / 2^(levels - 1))^2 tokens in row-major order, which are indices into a table of codes. The
    transformer draws the tokens one after the other, conditioned on the class; the decoder turns them into pixels. Class k uses row k of
    the token embedding, as in the released weights: classes have no embedding of their own.

    A latent z consists of L uniform numbers. Each token is found by inverting its cumulative distribution, predicted by the transformer, at
    its uniform number. A sample is therefore a function of z and y, as for the other generators, up to rounding: another batch size or
    device changes the order of sums, which can change a token whose number lies on a boundary, and the tokens after it. A z of dtype int64
    is taken as the tokens themselves, for stored tokens and those from :meth:`encode`.

    The features (BigDatasetGAN, section 3.2) are the hidden states of the transformer after every ``tap_every``-th block, followed by the
    output of every layer of the decoder. A block's output (N,L,C) becomes a feature map (N,C,H,W). The hidden state at a position depends
    on the class and the tokens before that position, and predicts the token there.

    Args:
        resolution: Height and width of an image in pixels; default 256.
        num_classes: Number of classes, at most ``n_embed``; default 1000.
        n_embed: Number of codes; default 16384.
        code_dim: Size of a code; default 256.
        z_channels: Number of channels between encoder and quantiser, and between quantiser and decoder; default 256.
        ch, ch_mult, num_res_blocks, attn_resolutions: Sizes of the encoder and the decoder, see
            :class:`~mmbdg.generators.vqgan_autoencoder.Encoder`.
        norm_groups: Number of groups of a norm in encoder and decoder; default 32, as in the released weights.
        n_layer, n_head, n_embd: Sizes of the transformer, see :class:`~mmbdg.generators.vqgan_transformer.Transformer`.
        tap_every: Distance between tapped transformer blocks; default 4: blocks with indices 3, 7, 11, ...
        top_k: Number of most probable tokens from which a token is drawn; default 200.
        top_p: Probability in (0,1] that the smallest set of most probable tokens must exceed (nucleus sampling); default 0.92.
        temperature: Divisor of the logits, above 0; default 1.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)``; default None: random weights. The keys are those of the released
            weights, without the constant buffers ``transformer.blocks.*.attn.mask``.

    Raises:
        ValueError: The sizes do not match each other, or a sampling setting is out of range.
    """

    latent_distribution = 'uniform'
    whole_because = 'the tokens of an image are drawn before its first block, and drawing them takes most of the time'
    embed_dim = 0

    def __init__(
        self,
        resolution: int = 256,
        num_classes: int = 1000,
        n_embed: int = 16384,
        code_dim: int = 256,
        z_channels: int = 256,
        ch: int = 128,
        ch_mult: Sequence[int] = (1, 1, 2, 2, 4),
        num_res_blocks: int = 2,
        attn_resolutions: Sequence[int] = (16,),
        n_layer: int = 48,
        n_head: int = 24,
        n_embd: int = 1536,
        tap_every: int = 4,
        top_k: int = 200,
        top_p: float = 0.92,
        temperature: float = 1.0,
        norm_groups: int = 32,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes(resolution, ch, ch_mult, num_res_blocks, attn_resolutions, norm_groups)
        if not 1 <= num_classes <= n_embed:
            raise ValueError(f'class k is row k of the token embedding: num_classes must be 1..{n_embed} (n_embed), got {num_classes}')
        if n_head < 1 or n_embd % n_head:
            raise ValueError(f'n_embd must be a multiple of n_head, got {n_embd} and {n_head}')
        if not 1 <= tap_every <= n_layer <= MOST_LAYERS:
            raise ValueError(f'tap_every must lie in 1..n_layer and n_layer in 1..{MOST_LAYERS}, got {tap_every} and {n_layer}')
        check_settings(top_k, top_p, temperature)

        grid = resolution >> (len(ch_mult) - 1)
        self.resolution, self.num_classes, self.n_embed, self.grid = resolution, num_classes, n_embed, grid
        self.latent_dim = grid * grid
        self.top_k, self.top_p, self.temperature = top_k, top_p, temperature
        self.first_stage_model = Autoencoder(
            n_embed,
            code_dim,
            resolution=resolution,
            ch=ch,
            ch_mult=ch_mult,
            num_res_blocks=num_res_blocks,
            attn_resolutions=attn_resolutions,
            z_channels=z_channels,
            norm_groups=norm_groups,
        )
        self.transformer = Transformer(n_embed, self.latent_dim, n_layer, n_head, n_embd)
        self.tapped_blocks = range(tap_every - 1, n_layer, tap_every)
        self.feature_info = (
            *(FeatureInfo(n_embd, grid, f'transformer.blocks.{i}', resolution // grid) for i in self.tapped_blocks),
            *(
                FeatureInfo(channels, size, f'first_stage_model.decoder.{name}', resolution // size)
                for channels, size, name in self.first_stage_model.decoder.taps()
            ),
        )

    def generate(self, z: Tensor, y: Tensor, features: list[Tensor] | None = None) -> Tensor:
        tokens = z if z.dtype == torch.int64 else self.sample(y, z)
        if features is not None:
            # Without the last token: the class takes the first of the transformer's L positions, and no token follows the last one.
            sequence = torch.cat([y[:, None], tokens[:, :-1]], dim=1)
            for state in self.transformer.hidden_states(sequence, self.tapped_blocks):
                features.append(state.transpose(1, 2).unflatten(2, (self.grid, self.grid)))
        return self._decode(tokens, features).clamp(-1, 1)

    def features(self, tokens: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Image and features of given tokens, which may come from an annotated image or from sampling.

        Args:
            tokens: Tokens from :meth:`encode` or :meth:`sample`, int64 (N,L).
            y: Class indices, int64 (N,).

        Returns:
            Image, float32 (N,3,R,R) in [-1,1]; and features, float (N,C_i,R_i,R_i), in the order of ``feature_info``.

        Raises:
            InputError: See :meth:`check_inputs`.
        """
        self._check_tokens(tokens)
        return self.forward_features(tokens, y)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Images float (N,3,R,R) in [-1,1] -> tokens int64 (N,L), row by row.

        Raises:
            InputError: The images have another shape or dtype, or (checked only on the CPU) another range.
        """
        if images.shape[1:] != (3, self.resolution, self.resolution) or not images.is_floating_point():
            raise InputError(
                f'images must be float (N, 3, {self.resolution}, {self.resolution}), got {images.dtype} of shape {tuple(images.shape)}; '
                'resize and normalise them first'
            )
        if _may_look(images) and not images.abs().max() <= 1 + TOLERANCE:
            raise InputError(f'images must lie in [-1, 1], got {images.min():.3g}..{images.max():.3g}; pixels p are p / 127.5 - 1 there')
        return self.first_stage_model.encode(images)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens int64 (N,L) -> image float32 (N,3,R,R), clamped to [-1,1] because the decoder's last layer is linear.

        Raises:
            InputError: The tokens have another shape or dtype, or are not indices of codes.
        """
        self._check_tokens(tokens)
        return self._decode(tokens).clamp(-1, 1)

    @torch.no_grad()
    def sample(
        self,
        y: Tensor,
        uniforms: Tensor | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        temperature: float | None = None,
        cache: bool = True,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Draw tokens one after the other, each conditioned on the class and the tokens before it.

        Args:
            y: Class indices, int64 (N,).
            uniforms: Uniform numbers in [0,1), one per token, float (N,L); the same numbers give the same tokens, see the class. Default
                None: drawn at random.
            top_k, top_p, temperature: Sampling settings; default None: those of the constructor.
            cache: Whether to cache keys and values of earlier tokens; default True. False is slow and gives the same tokens.
            generator: Random generator for ``uniforms`` if they are None; default: torch's global generator.

        Returns:
            Tokens in 0..n_embed-1, int64 (N,L).

        Raises:
            InputError: An argument has a wrong shape or is out of range.
        """
        if uniforms is None:
            device = y.device if generator is None else generator.device
            uniforms = torch.rand(y.numel(), self.latent_dim, generator=generator, device=device).to(y.device)
        elif not uniforms.is_floating_point():
            raise InputError(f'uniforms must be floating point, got {uniforms.dtype}; give tokens to decode or features')
        self.check_inputs(uniforms, y)
        top_k = self.top_k if top_k is None else top_k
        top_p = self.top_p if top_p is None else top_p
        temperature = self.temperature if temperature is None else temperature
        check_settings(top_k, top_p, temperature)
        sequence = y.new_empty(len(y), 1 + self.latent_dim)
        sequence[:, 0] = y
        past = self.transformer.new_cache() if cache else None
        for i in range(self.latent_dim):
            logits = self.transformer.step(sequence[:, i], past) if cache else self.transformer(sequence[:, : i + 1])[:, -1]
            sequence[:, i + 1] = draw(logits, uniforms[:, i], top_k, top_p, temperature)
        return sequence[:, 1:].contiguous()

    def check_inputs(self, z: Tensor, y: Tensor) -> None:
        """Raise InputError unless z is (N,L), with uniform numbers in [0,1) or int64 tokens, and y holds N class indices."""
        super().check_inputs(z, y)
        if z.dtype == torch.int64:
            self._check_tokens(z)
        elif not z.is_floating_point():
            raise InputError(f'z must be uniform numbers (float) or tokens (int64) for this {type(self).__name__}, got {z.dtype}')
        elif _may_look(z) and not (z.min() >= 0 and z.max() < 1):
            raise InputError(f'z must lie in [0, 1) for this {type(self).__name__}, got {z.min():.3g}..{z.max():.3g}; use torch.rand')

    def reset_parameters(self) -> None:
        self.transformer.reset_parameters()

    def _check_tokens(self, tokens: Tensor) -> None:
        if tokens.ndim != 2 or tokens.shape[1] != self.latent_dim or tokens.dtype != torch.int64:
            raise InputError(f'tokens must be int64 (N, {self.latent_dim}), got {tokens.dtype} of shape {tuple(tokens.shape)}')
        if _may_look(tokens) and not (tokens.min() >= 0 and tokens.max() < self.n_embed):
            raise InputError(f'tokens must lie in 0..{self.n_embed - 1}, got {tokens.min()}..{tokens.max()}; are they of another model?')

    def _decode(self, tokens: Tensor, features: list[Tensor] | None = None) -> Tensor:
        """Decode tokens without clamping."""
        return self.first_stage_model.decode(tokens, features).float()


def _may_look(values: Tensor) -> bool:
    """Whether values can be checked: not on an accelerator, where the check would wait for the device, and not in an empty tensor."""
    return values.device.type == 'cpu' and values.numel() > 0 and not torch.compiler.is_compiling()
