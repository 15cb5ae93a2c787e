"""Interpreters trained by BigDatasetGAN's released code."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from mmbdg.errors import InputError
from mmbdg.generators.adapters import Entry
from mmbdg.generators.adapters.ajbrock import AjbrockAdapter
from mmbdg.interpreter.feature_interpreter import FeatureInterpreter

SOURCE = 'bigdatasetgan'
GROUPS = ('low', 'mid', 'high')  # the released code calls the coarse group low
GENERATOR = 'biggan_model.'


class BigDatasetGANAdapter(AjbrockAdapter):
    """A state dict of ``BigdatasetGANModel``, as its train.py saves it: the interpreter with BigGAN's layers, and the generator inside.

    The generator's tensors are left out; :mod:`mmbdg.generators.adapters` reads them from their own file.
    """

    name = SOURCE
    description = "BigDatasetGAN's released code"

    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        """Arguments of the :class:`FeatureInterpreter` whose weights these are, but for those of the generator."""
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
            raise InputError(f'released interpreters have three groups of features, this one {len(interpreter.reduce)}')
        for i, group in enumerate(GROUPS):
            yield Entry(f'reduce.{i}.weight', f'{group}_feature_conv.0.weight')
            if i:
                yield from self._block(f'mix.{i - 1}', f'{group}_feature_mix_conv', interpreter.mix[i - 1])
        yield Entry('output.0.weight', 'out_layer.0.gain')
        yield Entry('output.0.bias', 'out_layer.0.bias')
        yield from self._statistics('output.0', 'out_layer.0')
        yield from self._layer('output.2', 'out_layer.2', interpreter.output[2])


def load_released(interpreter: FeatureInterpreter, init_cfg: dict) -> None:
    """``init_cfg=dict(type='Pretrained', checkpoint=PATH, source='bigdatasetgan')``.

    Raises:
        InputError: ``init_cfg`` is of another kind, or the file does not hold exactly this interpreter.
    """
    path = _checkpoint(init_cfg)
    if not isinstance(path, str):
        raise InputError(f'one interpreter has one checkpoint, got {path}')
    adapter = BigDatasetGANAdapter()
    interpreter.load_state_dict(adapter.convert(adapter.read(path), interpreter, path))


def load_released_members(members: Sequence[nn.Module], init_cfg: dict) -> None:
    """The same for an ensemble; its checkpoint is a list, one for each member.

    Raises:
        InputError: See :func:`load_released`, or there are more or fewer files than members.
    """
    paths = _checkpoint(init_cfg)
    paths = [paths] if isinstance(paths, str) else list(paths)
    if len(paths) != len(members):
        raise InputError(f'an ensemble of {len(members)} needs as many checkpoints, got {len(paths)}: set num_members={len(paths)}')
    for member, path in zip(members, paths, strict=True):
        load_released(member, {**init_cfg, 'checkpoint': path})


def _checkpoint(init_cfg: dict) -> str | Sequence[str]:
    if set(init_cfg) != {'type', 'checkpoint', 'source'} or (init_cfg['type'], init_cfg['source']) != ('Pretrained', SOURCE):
        raise InputError(f"init_cfg must be dict(type='Pretrained', checkpoint=..., source='{SOURCE}'), got {init_cfg}")
    return init_cfg['checkpoint']
