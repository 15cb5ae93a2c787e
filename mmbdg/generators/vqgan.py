"""Class-conditional VQGAN (Esser et al. 2021): a transformer draws tokens, a decoder makes an image of them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators.base import ClassConditionalGenerator, FeatureInfo
from mmbdg.generators.token_sampling import check_settings, draw
from mmbdg.generators.vqgan_autoencoder import Autoencoder, check_sizes
from mmbdg.generators.vqgan_transformer import Transformer
from mmbdg.registry import MODELS

# How far images of encode may lie outside [-1,1]: rounding of a normalisation or a resize.
TOLERANCE = 1e-2


MOST_LAYERS = 256
"""Blocks of a transformer; the released one has 48."""


@MODELS.register_module()
class VQGAN(ClassConditionalGenerator):
    """VQGAN (Taming Transformers, arXiv 2012.09841) with feature taps. The defaults are the released ImageNet model's.

    An image is L = (resolution / 2^(levels - 1))^2 tokens, indices into a table of codes, row by row. The transformer draws them one
    after the other, given the class; the decoder turns them into pixels. Class k is the k-th row of the tokens' embedding, as in the
    released weights: classes have no rows of their own.

    A latent z is L uniform numbers. The token at each place is found by inverting the cumulative distribution the transformer gives for it
    at the place's number, so a sample is a function of z and y like any other generator's, and can be named by a seed. Up to rounding:
    sums in another order, as in a batch of another size or on another device, can change a token whose number falls on a boundary, and
    with it those after it. A z of dtype int64 is the tokens themselves, for tokens kept from before or found by :meth:`encode`.

    The features are (BigDatasetGAN, section 3.2) the hidden states of the transformer after every ``tap_every``-th block, as maps, then
    the output of every layer of the decoder. A block's output is (N,L,C), its feature (N,C,H,W). The state at a place has seen the class
    and the tokens before that place, and predicts the token there.

    Args:
        resolution: Height and width of an image in pixels.
        num_classes: Number of classes, at most ``n_embed``.
        n_embed: Number of codes.
        code_dim: Size of a code.
        z_channels: Channels between encoder and quantiser, and between quantiser and decoder.
        ch, ch_mult, num_res_blocks, attn_resolutions: Encoder and decoder, see :class:`~mmbdg.generators.vqgan_autoencoder.Encoder`.
        n_layer, n_head, n_embd: Transformer, see :class:`~mmbdg.generators.vqgan_transformer.Transformer`.
        tap_every: After which blocks of the transformer features are read: 4 for those with indices 3, 7, 11, ...
        top_k: Draw from this many most probable tokens.
        top_p: Of these, from the most probable ones that together exceed this probability.
        temperature: Divisor of the logits.
        init_cfg: ``dict(type='Pretrained', checkpoint=..., prefix=...)`` or None. The keys are those of the released weights, without the
            constant buffers ``transformer.blocks.*.attn.mask``.

    Raises:
        ValueError: The sizes do not fit each other, or the settings of the draw are out of range.
    """

    latent_distribution = 'uniform'
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
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_sizes(resolution, ch, ch_mult, num_res_blocks, attn_resolutions)
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
            # Without the last token: the class takes the first of the transformer's L places, and nothing is predicted after the last.
            sequence = torch.cat([y[:, None], tokens[:, :-1]], dim=1)
            for state in self.transformer.hidden_states(sequence, self.tapped_blocks):
                features.append(state.transpose(1, 2).unflatten(2, (self.grid, self.grid)))
        return self._decode(tokens, features).clamp(-1, 1)

    def features(self, tokens: Tensor, y: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Image and features of given tokens, those of an annotated image as well as drawn ones.

        Args:
            tokens: int64 (N,L), from :meth:`encode` or :meth:`sample`.
            y: Class indices int64 (N,).

        Returns:
            Image float32 (N,3,R,R) in [-1,1] and features (N,C_i,R_i,R_i) in the order of ``feature_info``.

        Raises:
            InputError: See :meth:`check_inputs`.
        """
        self._check_tokens(tokens)
        return self.forward_features(tokens, y)

    @torch.no_grad()
    def encode(self, images: Tensor) -> Tensor:
        """Images float (N,3,R,R) in [-1,1] -> tokens int64 (N,L), row by row.

        Raises:
            InputError: The images are of another shape, not floating point, or (looked at on the CPU only) of another range.
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
        """Tokens int64 (N,L) -> image float32 (N,3,R,R), clamped to [-1,1]: the decoder's last layer is linear and overshoots a little.

        Raises:
            InputError: The tokens are no indices of codes, L for each image.
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
        """Draw tokens one after the other, each from what the transformer expects after the class and the tokens before it.

        Args:
            y: Class indices int64 (N,).
            uniforms: Float (N,L) in [0,1), one number for each token; None draws them. Equal numbers give equal tokens, see the class.
            top_k, top_p, temperature: As in the constructor; None for the values given there.
            cache: Keep keys and values of earlier tokens. False computes all of them again for each token: slow, the same tokens.
            generator: Of the uniform numbers if they are drawn.

        Returns:
            Tokens int64 (N,L), 0..n_embed-1.

        Raises:
            InputError: An argument is of another shape or out of range.
        """
        if uniforms is None:
            device = y.device if generator is None else generator.device
            uniforms = torch.rand(y.numel(), self.latent_dim, generator=generator, device=device).to(y.device)
        elif not uniforms.is_floating_point():
            raise InputError(f'uniforms must be floating point, got {uniforms.dtype}; tokens that were drawn go to decode or features')
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
        """Raise InputError unless z is (N,L), uniform numbers in [0,1) or tokens int64, and y holds N indices of classes."""
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
        """Not clamped."""
        return self.first_stage_model.decode(tokens, features).float()


def _may_look(values: Tensor) -> bool:
    """Whether the values can be looked at: on an accelerator this would wait for the device, and there is no minimum of nothing."""
    return values.device.type == 'cpu' and values.numel() > 0 and not torch.compiler.is_compiling()
