"""BigGAN-deep weights converted by mmagic (formerly mmgeneration): ``biggan-deep_imagenet1k_..._cvt_hugging-face_rgb_*.pth``."""

import os
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.generators.adapters.adapter import SN_U, SN_V, SN_WEIGHT, Adapter, Entry, without_wrapper
from mmbdg.generators.adapters.biggan_sizes import biggan_deep_config
from mmbdg.generators.adapters.layouts import PLAIN, TRANSPOSED, Layout
from mmbdg.generators.biggan_deep import BigGANDeep

NETWORKS = ('generator_ema.', 'generator.')
OTHERS = ('generator.', 'discriminator.', 'data_preprocessor.')


class MmagicDeepAdapter(Adapter):
    """Adapter for the same network with other names, statistics of one truncation, and three outputs of the last convolution.

    mmagic's config evaluates with eps 1e-5 in the batch normalisation. The weights were trained with 1e-4, which this package
    uses.
    """

    name = 'mmagic-deep'
    description = "mmagic's conversion of BigGAN-deep"

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        tensors = read_state_dict(path)
        for prefix in NETWORKS:
            own = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
            own.pop('steps', None)  # counter of the averaged model
            if own:
                others = {key: value for key, value in tensors.items() if not key.startswith((prefix, *OTHERS))}
                return without_wrapper(own) | others
        return tensors

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        return biggan_deep_config(
            raw,
            layer='conv_blocks.{}.',
            first_conv='conv1.conv.weight_orig',
            last_conv='conv4.conv.weight_orig',
            embedding=tuple(raw['shared_embedding.weight'].shape),
            base_channels=len(raw['output_layer.bn.weight']),
            truncation_rows=1,
            rgb_outputs=len(raw['output_layer.conv.weight_orig']),
        )

    def ignored(self, key: str) -> bool:
        return key.endswith('.num_batches_tracked')

    def entries(self, generator: BigGANDeep) -> Iterator[Entry]:
        yield Entry('embeddings.weight', 'shared_embedding.weight', TRANSPOSED)
        yield from self._layer('generator.gen_z', 'noise2feat', bias=True)
        for i, layer in enumerate(generator.generator.layers):
            ours, theirs = f'generator.layers.{i}', f'conv_blocks.{i}'
            if hasattr(layer, 'gamma'):
                for conv, their_conv in (('theta', 'theta'), ('phi', 'phi'), ('g', 'g'), ('o_conv', 'o')):
                    yield from self._layer(f'{ours}.snconv1x1_{conv}', f'{theirs}.{their_conv}.conv', bias=False)
                yield Entry(f'{ours}.gamma', f'{theirs}.gamma', Layout(lambda x: x.reshape(1), lambda x: x.reshape(())))
                continue
            for k in range(4):
                for part, their_part in (('scale', 'gain'), ('offset', 'bias')):
                    yield from self._layer(f'{ours}.bn_{k}.{part}', f'{theirs}.bn{k + 1}.{their_part}', bias=False)
                yield from self._statistics(f'{ours}.bn_{k}', f'{theirs}.bn{k + 1}.bn')
                yield from self._layer(f'{ours}.conv_{k}', f'{theirs}.conv{k + 1}.conv', bias=True)
        yield from self._statistics('generator.bn', 'output_layer.bn')
        for part in ('weight', 'bias'):
            yield Entry(f'generator.bn.{part}', f'output_layer.bn.{part}')
        yield from self._layer('generator.conv_to_rgb', 'output_layer.conv', bias=True)

    def _layer(self, ours: str, theirs: str, bias: bool) -> Iterator[Entry]:
        for our_name, their_name in ((SN_WEIGHT, 'weight_orig'), (SN_U, 'weight_u'), (SN_V, 'weight_v')):
            yield Entry(f'{ours}.{our_name}', f'{theirs}.{their_name}', PLAIN)
        if bias:
            yield Entry(f'{ours}.bias', f'{theirs}.bias')

    def _statistics(self, ours: str, theirs: str) -> Iterator[Entry]:
        row = Layout(lambda x: x[None], lambda x: x[0])
        for statistic in ('mean', 'var'):
            yield Entry(f'{ours}.running_{statistic}s', f'{theirs}.running_{statistic}', row)
