"""Weights of interpreters that were trained with BigDatasetGAN's released code."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.generators.adapters import Entry
from mmbdg.generators.adapters.ajbrock import AjbrockAdapter
from mmbdg.interpreter.feature_interpreter import FeatureInterpreter

GROUPS = ('low', 'mid', 'high')  # names of the groups in the released code, coarse to fine
GENERATOR = 'biggan_model.'


class BigDatasetGANAdapter(AjbrockAdapter):
    """Reads a state dict of ``BigdatasetGANModel`` as its train.py saves it.

    The state dict holds the interpreter and the generator. The tensors of the generator are ignored;
    :mod:`mmbdg.generators.adapters` reads a generator from its own file.
    """

    name = 'bigdatasetgan'
    description = "BigDatasetGAN's released code"

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        """Return the arguments of the matching :class:`FeatureInterpreter`, without those that depend on the generator."""
        kernel = raw['out_layer.2.weight'].shape
        return dict(
            num_outputs=kernel[0],
            out_kernel=kernel[-1],
            widths=tuple(raw[f'{group}_feature_conv.0.weight'].shape[0] for group in GROUPS),
        )

    def ignored(self, key: str) -> bool:
        return key.startswith(GENERATOR) or super().ignored(key)

    def entries(self, interpreter: FeatureInterpreter) -> Iterator[Entry]:
        if len(interpreter.reduce) != len(GROUPS):
            raise InputError(f'released interpreters have three groups of features, this interpreter has {len(interpreter.reduce)}')
        for i, group in enumerate(GROUPS):
            yield Entry(f'reduce.{i}.weight', f'{group}_feature_conv.0.weight')
            if i:
                yield from self._block(f'mix.{i - 1}', f'{group}_feature_mix_conv', interpreter.mix[i - 1])
        yield Entry('output.0.weight', 'out_layer.0.gain')
        yield Entry('output.0.bias', 'out_layer.0.bias')
        yield from self._statistics('output.0', 'out_layer.0')
        yield from self._layer('output.2', 'out_layer.2', interpreter.output[2])
