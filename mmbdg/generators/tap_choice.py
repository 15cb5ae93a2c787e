"""Which features of a diffusion model are taken: names of blocks, cross-attention layers, and the half of a batch with guidance."""

from collections.abc import Sequence

from torch import nn

from mmbdg.errors import InputError, nearest
from mmbdg.generators import denoisers

HALVES = ('conditional', 'unconditional')
"""Parts of a batch with classifier-free guidance."""


def default_taps(denoiser: nn.Module, autoencoder: nn.Module | None) -> tuple[str, ...]:
    """Names of the blocks that are tapped by default, as submodules of the generator."""
    own = tuple(f'denoiser.{name}' for name in denoisers.default_blocks(denoiser))
    if autoencoder is None:
        return own
    return (*own, *(f'autoencoder.{name}' for name in denoisers.default_decoder_blocks(autoencoder)))


def attention_taps(denoiser: nn.Module) -> tuple[str, ...]:
    """Names of the cross-attention layers, as submodules of the generator.

    Raises:
        InputError: The denoiser has none.
    """
    names = tuple(f'denoiser.{name}' for name in denoisers.cross_attention_layers(denoiser))
    if not names:
        raise InputError(f'attention_maps: a {type(denoiser).__name__} has no cross-attention, its class is no text; set it to False')
    return names


def check_taps(taps: Sequence[str], generator: nn.Module) -> None:
    """Check the names of tapped blocks.

    Raises:
        InputError: There are none, one is named twice, or one is not a block of the denoiser or of the decoder.
    """
    known = {name for name, _ in generator.named_modules()}
    for name in taps:
        if name not in known or not name.startswith(('denoiser.', 'autoencoder.decoder.')):
            raise InputError(
                f'taps: there is no block "{name}" of the denoiser or of the decoder{nearest(name, known)}; names are those of '
                'generator.named_modules()'
            )
    if len(set(taps)) != len(taps) or not taps:
        raise InputError(f'taps must name at least one block, each once; got {list(taps)}')


def check_halves(tapped_half: str, guidance: float, attention_maps: bool, has_empty_condition: bool) -> None:
    """Check that the tapped half of a batch exists.

    Raises:
        InputError: It does not exist, has no attention to the class's name, or the denoiser knows no empty condition for guidance.
    """
    if tapped_half not in (*HALVES, 'mean'):
        raise InputError(f'tapped_half must be "conditional", "unconditional" or "mean", got {tapped_half!r}')
    if guidance <= 1 and tapped_half != 'conditional':
        raise InputError(f'tapped_half={tapped_half!r} needs guidance above 1: without guidance there is only a conditional half')
    if attention_maps and tapped_half == 'unconditional':
        raise InputError("attention_maps are those of the class's tokens, which only the conditional half has: change tapped_half")
    if guidance > 1 and not has_empty_condition:
        raise InputError('guidance needs a label of "no class": set denoiser.num_class_embeds to num_classes + 1, or guidance to 1')
