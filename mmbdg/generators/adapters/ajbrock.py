"""BigGAN weights of ajbrock/BigGAN-PyTorch, including its conversion of DeepMind's weights (``biggan-512.pth``)."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.generators.adapters.adapter import Adapter, Entry, parameter_entries
from mmbdg.generators.adapters.biggan_sizes import biggan_config
from mmbdg.generators.adapters.layouts import ROW
from mmbdg.generators.biggan import BigGAN
from mmbdg.generators.layers import ConditionalResBlock

NAMES = dict(weight='.weight', bias='.bias', u='.u0')


class AjbrockAdapter(Adapter):
    """Adapter with the same names as this package, except for batch statistics and spectral norm. The source stores u only.

    Its conversion of DeepMind's weights has the un-truncated statistics only. BigDatasetGAN's annotated samples were rendered
    with them. ``sv0`` are logged singular values.
    """

    name = 'ajbrock'
    description = 'ajbrock/BigGAN-PyTorch'
    iterate = True

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        blocks = 1 + max(int(key.split('.')[1]) for key in raw if key.startswith('blocks.'))
        attention = [i for i in range(blocks) if f'blocks.{i}.1.gamma' in raw]
        config = biggan_config(
            linear_inputs=raw['linear.weight'].shape[1],
            linear_outputs=raw['linear.weight'].shape[0],
            block_outputs=[raw[f'blocks.{i}.0.conv2.weight'].shape[0] for i in range(blocks)],
            embedding=tuple(raw['shared.weight'].shape),
            attention_channels=None,
            output_eps=1e-5,
        )
        # Only files of the source's own trainings have logged singular values. Their batch normalisation has eps 1e-5.
        eps = 1e-5 if any(key.endswith('.sv0') for key in raw) else 1e-4
        return {**config, 'attention': tuple(8 * 2**i for i in attention), 'eps': eps}

    def ignored(self, key: str) -> bool:
        return key.endswith('.sv0')

    def entries(self, generator: BigGAN) -> Iterator[Entry]:
        yield Entry('shared.weight', 'shared.weight')
        yield from self._layer('linear', 'linear', generator.linear)
        for i, stage in enumerate(generator.blocks):
            for j, block in enumerate(stage):
                name = f'blocks.{i}.{j}'
                if isinstance(block, ConditionalResBlock):
                    yield from self._block(name, name, block)
                else:
                    for conv in ('theta', 'phi', 'g', 'o'):
                        yield from self._layer(f'{name}.{conv}', f'{name}.{conv}', getattr(block, conv))
                    yield Entry(f'{name}.gamma', f'{name}.gamma')
        yield Entry('output_layer.0.weight', 'output_layer.0.gain')
        yield Entry('output_layer.0.bias', 'output_layer.0.bias')
        yield from self._statistics('output_layer.0', 'output_layer.0')
        yield from self._layer('output_layer.2', 'output_layer.2', generator.output_layer[2])

    def _block(self, ours: str, theirs: str, block: ConditionalResBlock) -> Iterator[Entry]:
        for bn in ('bn1', 'bn2'):
            for part in ('gain', 'bias'):
                yield from self._layer(f'{ours}.{bn}.{part}', f'{theirs}.{bn}.{part}', getattr(getattr(block, bn), part))
            yield from self._statistics(f'{ours}.{bn}.bn', f'{theirs}.{bn}')
        for conv in ('conv1', 'conv2', 'conv_sc'):
            if getattr(block, conv) is not None:
                yield from self._layer(f'{ours}.{conv}', f'{theirs}.{conv}', getattr(block, conv))

    def _layer(self, ours: str, theirs: str, module: object) -> Iterator[Entry]:
        return parameter_entries(ours, theirs, module, NAMES, u=ROW)

    def _statistics(self, ours: str, theirs: str) -> Iterator[Entry]:
        for statistic in ('mean', 'var'):
            yield Entry(f'{ours}.running_{statistic}', f'{theirs}.stored_{statistic}')
