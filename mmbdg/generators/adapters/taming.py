"""VQGAN weights with a class-conditional transformer of CompVis/taming-transformers (``cin_transformer``, ``last.ckpt``)."""

import os
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.compat.lightning import read_lightning
from mmbdg.generators.adapters.adapter import Adapter, Entry, without_wrapper
from mmbdg.generators.vqgan import VQGAN

HEAD_DIM = 64  # of the released transformer (1536 channels, 24 heads); the weights do not show it


class TamingAdapter(Adapter):
    """Adapter with the same names as this package.

    A Lightning file also holds causal masks, the networks of the losses and optimisers. It is read without running its code.
    """

    name = 'taming'
    description = 'CompVis/taming-transformers'

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        return without_wrapper(read_lightning(path))

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        first, width = 'first_stage_model.', raw['transformer.pos_emb'].shape[2]
        levels = 1 + max(int(key.split('.')[3]) for key in raw if key.startswith(f'{first}decoder.up.'))
        tokens = raw['transformer.pos_emb'].shape[1]
        side = round(tokens**0.5)
        channels = [raw[f'{first}encoder.down.{i}.block.0.conv2.weight'].shape[0] for i in range(levels)]
        ch = raw[f'{first}encoder.conv_in.weight'].shape[0]
        resolution = side * 2 ** (levels - 1)
        return dict(
            type='mmbdg.VQGAN',
            resolution=resolution,
            n_embed=raw[f'{first}quantize.embedding.weight'].shape[0],
            code_dim=raw[f'{first}quantize.embedding.weight'].shape[1],
            z_channels=raw[f'{first}encoder.conv_out.weight'].shape[0],
            ch=ch,
            ch_mult=tuple(c // ch for c in channels),
            num_res_blocks=sum(f'{first}encoder.down.0.block.{i}.conv1.weight' in raw for i in range(16)),
            attn_resolutions=tuple(resolution >> i for i in range(levels) if f'{first}decoder.up.{i}.attn.0.q.weight' in raw),
            n_layer=1 + max(int(key.split('.')[2]) for key in raw if key.startswith('transformer.blocks.')),
            n_head=max(1, width // HEAD_DIM),
            n_embd=width,
        )

    def ignored(self, key: str) -> bool:
        return key.endswith('.attn.mask') or key.startswith(('first_stage_model.loss.', 'loss.', 'cond_stage_model.'))

    def entries(self, generator: VQGAN) -> Iterator[Entry]:
        for key in generator.state_dict():
            yield Entry(key, key)
