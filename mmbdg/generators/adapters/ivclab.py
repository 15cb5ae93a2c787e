"""BigGAN weights of ivclab/BigGAN-Generator-Pretrained-Pytorch (``biggan512-release.pt``): DeepMind's, with all statistics."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mmbdg.generators.adapters.adapter import Entry, parameter_entries
from mmbdg.generators.adapters.biggan_sizes import biggan_config
from mmbdg.generators.adapters.deepmind import DeepMindAdapter
from mmbdg.generators.adapters.layouts import PLAIN, SCALAR, Layout, channels_last_patch


class IvclabAdapter(DeepMindAdapter):
    """Adapter for torch names with TensorFlow's layouts: v has the order (H,W,in).

    The source has tables of statistics for the truncations 0.02, 0.04, ..., 1, and its code uses only these tables. If its
    running statistics have their initial values (all means 0, all variances 1), the statistics of truncation 1 are used as
    the un-truncated ones.
    """

    name = 'ivclab'
    description = 'ivclab/BigGAN-Generator-Pretrained-Pytorch'
    joint = '.'
    names = dict(
        embedding='linear.weight',
        linear='g_z.g_linear',
        block='gblock',
        hyper_bn='hyperbn',
        attention='attention',
        output_bn='scaledcrossreplicabn',
        output_gain='weight',
        output_bias='bias',
        output_conv='conv_2d',
    )

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        blocks = 1 + sum(re.fullmatch(r'gblock_\d+\.conv0\.weight_orig', key) is not None for key in raw)
        names = ['gblock' + (f'_{i}' if i else '') for i in range(blocks)]
        linear, theta = raw['g_z.g_linear.weight_orig'], raw.get('attention.theta.weight_orig')
        return biggan_config(
            linear_inputs=linear.shape[1],
            linear_outputs=linear.shape[0],
            block_outputs=[raw[f'{name}.conv1.weight_orig'].shape[0] for name in names],
            embedding=tuple(raw['linear.weight'].shape),
            attention_channels=None if theta is None else theta.shape[1],
            output_eps=1e-4,
            truncation_rows=len(raw['scaledcrossreplicabn.standing_means']),
        )

    def ignored(self, key: str) -> bool:
        return key.endswith('.num_batches_tracked')

    def convert(self, raw: dict[str, Tensor], generator: nn.Module, path: str = 'the file') -> dict[str, Tensor]:
        state = super().convert(raw, generator, path)
        means = [key for key in state if key.endswith('.running_mean')]
        if all(not state[key].any() and bool((state[_var(key)] == 1).all()) for key in means):
            for key in means:
                for name, table in ((key, 'truncation_means'), (_var(key), 'truncation_vars')):
                    state[name] = state[name.rpartition('.')[0] + f'.{table}'][-1].clone()
        return state

    def layer(self, ours: str, theirs: str, module: object, outputs: Layout, inputs: Layout) -> Iterator[Entry]:
        names = dict(weight='.weight_orig', bias='.bias', u='.weight_u', v='.weight_v')
        patch = channels_last_patch(module.kernel_size[0]) if isinstance(module, torch.nn.Conv2d) else PLAIN
        return parameter_entries(ours, theirs, module, names, outputs, inputs, PLAIN, patch.then(inputs))

    def statistics(self, ours: str, theirs: str, position: int, rows: int) -> Iterator[Entry]:
        scope = theirs if theirs == self.names['output_bn'] else f'{theirs}.crossreplicabn'
        for statistic in ('mean', 'var'):
            yield Entry(f'{ours}.running_{statistic}', f'{scope}.running_{statistic}')
            if rows:
                yield Entry(f'{ours}.truncation_{statistic}s', f'{scope}.standing_{statistic}s')

    def gate(self, ours: str, theirs: str) -> Entry:
        return Entry(ours, theirs, SCALAR)


def _var(key: str) -> str:
    return key.removesuffix('running_mean') + 'running_var'
