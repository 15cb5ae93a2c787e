"""BigGAN weights of DeepMind on TensorFlow Hub (``biggan-{128,256,512}/2``), read from an ``.npz`` dump of the variables.

Make the dump on a machine with ``pip install tensorflow tensorflow-hub`` (this code is untested):

.. code-block:: python

    import numpy as np, tensorflow.compat.v1 as tf, tensorflow_hub as hub
    tf.disable_eager_execution()
    module = hub.Module('biggan-512/2')  # a folder downloaded from TensorFlow Hub (Kaggle Models), or its address
    inputs = {k: tf.placeholder(v.dtype, v.get_shape()) for k, v in module.get_input_info_dict().items()}
    module(inputs)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        arrays = {v.name: session.run(v) for v in tf.global_variables()}
        # the batch statistics per truncation are constants of the graph: (50, C) stacks, alternating mean and variance of each layer
        stacks = [o.outputs[0] for o in tf.get_default_graph().get_operations() if '/stack' in o.name and o.type == 'Pack']
        stacks = [s for s in stacks if s.shape.rank == 2 and s.shape[0] == 50]
        stacks.sort(key=lambda s: int((s.op.name.rsplit('_', 1) + ['0'])[1]) if s.op.name[-1].isdigit() else 0)
        arrays.update({f'stack/{i:03d}': session.run(s) for i, s in enumerate(stacks)})
    np.savez('biggan-512.npz', **arrays)

A dump without the stacks can be converted too. The generator then has the un-truncated statistics only.
"""

import os
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from mmbdg.compat.checkpoint import checkpoint_file
from mmbdg.errors import InputError
from mmbdg.generators.adapters.adapter import Entry, parameter_entries
from mmbdg.generators.adapters.biggan_sizes import biggan_config
from mmbdg.generators.adapters.deepmind import DeepMindAdapter
from mmbdg.generators.adapters.layouts import FLAT, HWIO, PLAIN, ROW, SCALAR, TRANSPOSED, Layout
from mmbdg.reading import read_arrays

AVERAGED = re.compile(r'/ema_[^/]*$')


class TFHubAdapter(DeepMindAdapter):
    """Adapter for the variables of the TFHub module. Moving averages (``.../ema_b999900``) replace their variables.

    ``u1`` is the second vector of the spectral norm. It is ignored, because one power iteration from ``u0`` gives it. Counters
    are ignored too.
    """

    name = 'tfhub'
    description = "an .npz dump of DeepMind's TFHub BigGAN"
    iterate = True
    joint = '/'
    names = dict(
        embedding='linear/w',
        linear='Generator/G_Z/G_linear',
        block='Generator/GBlock',
        hyper_bn='HyperBN',
        attention='Generator/attention',
        output_bn='Generator/ScaledCrossReplicaBN',
        output_gain='gamma',
        output_bias='beta',
        output_conv='Generator/conv_2d',
    )

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        path = checkpoint_file(path)
        try:
            raw = {key: torch.from_numpy(array) for key, array in read_arrays(path).items()}
        except (InputError, TypeError) as error:  # TypeError: a dtype that torch does not have
            raise InputError(f'{error}; see mmbdg/generators/adapters/tfhub.py for how to make such a file') from error
        plain = {re.sub(r':0$', '', key).removeprefix('module/'): value for key, value in raw.items()}
        averaged = {AVERAGED.sub('', key): value for key, value in plain.items() if AVERAGED.search(key)}
        return {key: value for key, value in plain.items() if not AVERAGED.search(key)} | averaged

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        blocks = 1 + sum(re.fullmatch(r'Generator/GBlock_\d+/conv0/w', key) is not None for key in raw)
        names = ['Generator/GBlock' + (f'_{i}' if i else '') for i in range(blocks)]
        linear = raw['Generator/G_Z/G_linear/w']
        return biggan_config(
            linear_inputs=linear.shape[0],
            linear_outputs=linear.shape[1],
            block_outputs=[raw[f'{name}/conv1/w'].shape[-1] for name in names],
            embedding=tuple(raw['linear/w'].shape),
            attention_channels=raw['Generator/attention/theta/w'].shape[2] if 'Generator/attention/theta/w' in raw else None,
            output_eps=1e-4,
            truncation_rows=len(raw['stack/000']) if 'stack/000' in raw else 0,
        )

    def convert(self, raw: dict[str, Tensor], generator: nn.Module, path: str | os.PathLike = 'the file') -> dict[str, Tensor]:
        state = super().convert(raw, generator, path)
        if wrong := [key for key in state if key.endswith('truncation_vars') and not bool((state[key] >= 0).all())]:
            raise InputError(
                f'{path}: the statistics per truncation must alternate between mean and variance, layer by layer, but {wrong[0]} is '
                'negative. Remove the stack/* arrays to convert without them.'
            )
        return state

    def ignored(self, key: str) -> bool:
        return key.endswith(('/u1', '/accumulation_counter', '/update_accumulators', 'global_step'))

    def layer(self, ours: str, theirs: str, module: object, outputs: Layout, inputs: Layout) -> Iterator[Entry]:
        weight = HWIO if isinstance(module, torch.nn.Conv2d) else TRANSPOSED
        bias = FLAT
        names = dict(weight='/w', bias='/b', u='/u0')
        for entry in parameter_entries(ours, theirs, module, names, outputs, weight.then(inputs), ROW):
            yield Entry(entry.ours, entry.theirs, bias.then(outputs)) if entry.theirs.endswith('/b') else entry

    def statistics(self, ours: str, theirs: str, position: int, rows: int) -> Iterator[Entry]:
        scope = f'{theirs}bn' if theirs.endswith('ScaledCrossReplicaBN') else theirs.replace('HyperBN', 'CrossReplicaBN')
        for k, statistic in enumerate(('mean', 'var')):
            yield Entry(f'{ours}.running_{statistic}', f'{scope}/accumulated_{statistic}', FLAT)
            if rows:
                yield Entry(f'{ours}.truncation_{statistic}s', f'stack/{2 * position + k:03d}', PLAIN)

    def output_affine(self, theirs: str) -> Iterator[Entry]:
        for entry in super().output_affine(theirs):
            yield Entry(entry.ours, entry.theirs, FLAT)

    def gate(self, ours: str, theirs: str) -> Entry:
        return Entry(ours, theirs, SCALAR)
