"""Derives the config of a BigGAN or BigGAN-deep from its weights."""

from collections.abc import Sequence
from itertools import count, takewhile
from typing import Any

from torch import Tensor

from mmbdg.generators.biggan import BOTTOM_RESOLUTION, PUBLISHED


def biggan_config(
    linear_inputs: int,
    linear_outputs: int,
    block_outputs: Sequence[int],
    embedding: tuple[int, int],
    attention_channels: int | None,
    output_eps: float,
    truncation_rows: int = 0,
) -> dict[str, Any]:
    """Return the config of the BigGAN with these sizes.

    Args:
        linear_inputs, linear_outputs: Sizes of the first linear layer: size of one chunk of z, and number of values at 4x4.
        block_outputs: Number of channels after each block.
        embedding: Shape (classes, size) of the class embedding.
        attention_channels: Number of channels of the attention layer; None if there is none. If no published model has these
            sizes, the attention is placed after the last block with this number of channels.
        output_eps: Epsilon of the output layer's batch normalisation in the source.
        truncation_rows: Number of rows of the batch statistics tables. Default: 0.
    """
    resolution = BOTTOM_RESOLUTION * 2 ** len(block_outputs)
    base = block_outputs[-1]
    channels = [linear_outputs // BOTTOM_RESOLUTION**2, *block_outputs]
    multipliers = tuple(c // base for c in channels)
    published = PUBLISHED.get(resolution, {})
    attention: tuple[int, ...] = ()
    if attention_channels is not None:
        if multipliers == published.get('channel_multipliers'):
            attention = published['attention']
        else:
            last = max(i for i, c in enumerate(block_outputs) if c == attention_channels)
            attention = (BOTTOM_RESOLUTION * 2 ** (last + 1),)
    return dict(
        type='mmbdg.BigGAN',
        resolution=resolution,
        num_classes=embedding[0],
        base_channels=base,
        channel_multipliers=multipliers,
        latent_dim=linear_inputs * (len(block_outputs) + 1),
        embed_dim=embedding[1],
        attention=attention,
        output_eps=output_eps,
        truncation_rows=truncation_rows,
    )


def biggan_deep_config(
    raw: dict[str, Tensor],
    layer: str,
    first_conv: str,
    last_conv: str,
    embedding: tuple[int, int],
    base_channels: int,
    truncation_rows: int,
    rgb_outputs: int,
) -> dict[str, Any]:
    """Return the config of the BigGAN-deep with these weights.

    The weights do not show which blocks double the resolution. As in the published models, every second block does.

    Args:
        raw: Tensors with the names of the source.
        layer: Name pattern of the layers with {} for the number. The attention is the layer with a ``gamma``.
        first_conv, last_conv: Names of the weights of a block's first and last convolution, which have its channels.
        embedding: Shape (classes, size) of the class embedding.
        base_channels, truncation_rows, rgb_outputs: Arguments of the generator.
    """

    def is_attention(i: int) -> bool:
        return layer.format(i) + 'gamma' in raw

    layers = list(takewhile(lambda i: is_attention(i) or layer.format(i) + first_conv in raw, count()))
    attention = next(i for i in layers if is_attention(i))
    blocks = []
    for k, name in enumerate(layer.format(i) for i in layers if i != attention):
        channels = raw[name + first_conv].shape[1], raw[name + last_conv].shape[0]
        blocks.append((k % 2 == 1, *(c // base_channels for c in channels)))
    return dict(
        type='mmbdg.BigGANDeep',
        resolution=BOTTOM_RESOLUTION * 2 ** sum(up for up, _, _ in blocks),
        num_classes=embedding[0],
        base_channels=base_channels,
        latent_dim=embedding[1],
        blocks=blocks,
        attention_position=attention,
        truncation_rows=truncation_rows,
        rgb_outputs=rgb_outputs,
    )
