"""The sizes of a BigGAN, read off its weights."""

from collections.abc import Sequence
from typing import Any

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
    """Config of the BigGAN with these sizes.

    Args:
        linear_inputs, linear_outputs: Of the first linear map: one chunk of z, and the channels at 4x4.
        block_outputs: Channels after each block.
        embedding: (classes, size) of the class embedding.
        attention_channels: Of the attention, None if there is none. Where the published sizes do not say it stands, it stands after
            the last block with as many channels.
        output_eps: Of the output layer's batch normalisation in the source.
        truncation_rows: Of the tables of batch statistics.
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
