"""Loads published weights of generators and interpreters whose tensors have other names.

This module is outside the subpackages, because it uses the adapters of two of them. Only the registry of weight initialisers imports it,
when a config contains its type.
"""

import os
from collections.abc import Mapping, Sequence

from torch import nn

from mmbdg.errors import InputError
from mmbdg.generators import ClassConditionalGenerator
from mmbdg.generators.adapters import ADAPTERS, Adapter, adapter_of
from mmbdg.interpreter import FeatureInterpreter, InterpreterEnsemble
from mmbdg.interpreter.released import BigDatasetGANAdapter
from mmbdg.registry import WEIGHT_INITIALIZERS

INTERPRETER_ADAPTERS: dict[str, Adapter] = {BigDatasetGANAdapter.name: BigDatasetGANAdapter()}


@WEIGHT_INITIALIZERS.register_module()
class PublishedWeights:
    """``init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint=PATH, source='ajbrock')`` of a generator or an interpreter.

    The adapter of the source converts names and layouts. The file must contain exactly the tensors of the module.

    Args:
        checkpoint: Path of the published file, or ``package://...``. For an :class:`~mmbdg.interpreter.InterpreterEnsemble` a list of
            paths, one for each member.
        source: Name of the adapter. For a generator a key of :data:`mmbdg.generators.adapters.ADAPTERS`; for an interpreter
            ``'bigdatasetgan'``, the released code.

    Raises:
        InputError: (when called) There is no adapter of that name for the module, the number of files is not the number of members, or a
            file does not have exactly the keys and shapes of the module.
    """

    def __init__(self, checkpoint: str | os.PathLike | Sequence[str | os.PathLike], source: str) -> None:
        self.paths = [checkpoint] if isinstance(checkpoint, str | os.PathLike) else list(checkpoint)
        self.source = source

    def __call__(self, module: nn.Module) -> None:
        modules = list(module.members) if isinstance(module, InterpreterEnsemble) else [module]
        adapters = [adapter_of(self.source, _adapters_for(part)) for part in modules]
        if len(self.paths) != len(modules):
            if module is modules[0]:
                raise InputError(f'one {type(module).__name__} has one checkpoint, got {self.paths}')
            raise InputError(
                f'an ensemble of {len(modules)} needs as many checkpoints, got {len(self.paths)}: set num_members={len(self.paths)}'
            )
        for part, adapter, path in zip(modules, adapters, self.paths, strict=True):
            part.load_state_dict(adapter.convert(adapter.read(path), part, path))


def _adapters_for(module: nn.Module) -> Mapping[str, Adapter]:
    if isinstance(module, ClassConditionalGenerator):
        return ADAPTERS
    if isinstance(module, FeatureInterpreter):
        return INTERPRETER_ADAPTERS
    raise InputError(
        f'there are no adapters of published weights for {type(module).__name__}; there are for generators, FeatureInterpreter and '
        "InterpreterEnsemble. Use init_cfg=dict(type='Pretrained', checkpoint=...)"
    )
