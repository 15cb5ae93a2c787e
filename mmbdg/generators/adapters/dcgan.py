"""DCGAN weights as saved by PyTorch's tutorial, ``netG_state_dict`` (the package ``gan-face-generate`` has such weights)."""

import os
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.compat.checkpoint import read_checkpoint, tensors_under
from mmbdg.generators.adapters.adapter import Adapter, Entry, without_wrapper
from mmbdg.generators.dcgan import DCGAN


class DCGANAdapter(Adapter):
    """Adapter with the same names as this package."""

    name = 'dcgan'
    description = "PyTorch's DCGAN tutorial"

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        checkpoint = read_checkpoint(path)
        own = checkpoint.get('netG_state_dict', checkpoint) if isinstance(checkpoint, dict) else {}
        return without_wrapper(tensors_under(own, '', path))

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        last = max(int(key.split('.')[1]) for key in raw)
        return dict(
            type='mmbdg.DCGAN',
            resolution=4 * 2 ** (last // 3),
            latent_dim=raw['main.0.weight'].shape[0],
            base_channels=raw[f'main.{last}.weight'].shape[0],
        )

    def ignored(self, key: str) -> bool:
        return key.endswith('num_batches_tracked')

    def entries(self, generator: DCGAN) -> Iterator[Entry]:
        for key in generator.state_dict():
            if not self.filled(key):
                yield Entry(key, key)
