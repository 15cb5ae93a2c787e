"""The base class of adapters: conversion of foreign checkpoints to the names of this package, with strict checks of keys."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from mmbdg.compat.checkpoint import check_finite, describe_difference, read_state_dict
from mmbdg.errors import InputError
from mmbdg.generators.adapters.layouts import PLAIN, Layout
from mmbdg.generators.base import ClassConditionalGenerator

SN_WEIGHT, SN_U, SN_V = 'parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v'
SN_EPS = 1e-4  # of BigGAN, BigGAN-deep and all sources of their weights


@dataclass(frozen=True)
class Entry:
    """One tensor: its name in this package, its name in the source, and its layout in the source."""

    ours: str
    theirs: str
    layout: Layout = PLAIN


class Adapter(ABC):
    """Base class of adapters. An adapter maps names and layouts of one source, in both directions, for unfolded weights.

    Attributes:
        name: Name of the source, for ``tools/convert_generator.py --from`` and ``source`` of ``mmbdg.PublishedWeights``.
        description: Origin of the files, for messages.
        iterate: Whether the source stores u only and runs one power iteration in eval mode (BigGAN's authors). Otherwise it
            stores u and v (torch). Default: False.
    """

    name: str
    description: str
    iterate: bool = False

    @abstractmethod
    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        """Return the config of the generator with these weights. It may raise KeyError or IndexError if names are missing."""

    @abstractmethod
    def entries(self, generator: ClassConditionalGenerator) -> Iterator[Entry]:
        """Yield the entries of all tensors of a generator that the source has."""

    def filled(self, key: str) -> bool:
        """Whether a tensor of the generator is not in the source, because it is computed from others or is a counter."""
        return key.endswith('num_batches_tracked') or (self.iterate and key.endswith(SN_V))

    def ignored(self, key: str) -> bool:
        """Whether a tensor of the source is not needed."""
        return False

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        """Read the tensors of a file, with the names of the source.

        Raises:
            InputError: The file is missing or damaged, or loading it would run code.
        """
        return without_wrapper(read_state_dict(path))

    def generator_config(self, raw: dict[str, Tensor], path: str | os.PathLike) -> dict[str, Any]:
        """Return :meth:`config`, with an InputError instead of other errors.

        Raises:
            InputError: The names in the file do not belong to this source.
        """
        try:
            return self.config(raw)
        except (KeyError, IndexError, StopIteration, ValueError) as error:
            lacking = f'it has no {error}' if isinstance(error, KeyError) else 'its names do not match'
            raise InputError(
                f'{path} is not from {self.description}: {lacking}. Its first names are {sorted(raw)[:6]}; check the source (--from)'
            ) from error

    def convert(self, raw: dict[str, Tensor], generator: nn.Module, path: str | os.PathLike = 'the file') -> dict[str, Tensor]:
        """Convert the tensors of the source to the complete state dict of ``generator``, float32, unfolded.

        Raises:
            InputError: Keys are missing or unexpected, or shapes differ (all of them are listed). Or tensors hold NaN or
                infinity.
        """
        own = generator.state_dict()
        entries = list(self.entries(generator))
        if not all(entry.ours in own for entry in entries):
            raise InputError(f'{self.description} has weights with spectral normalisation: build the generator with spectral_norm=True')
        known = {entry.theirs for entry in entries}
        missing = [entry.theirs for entry in entries if entry.theirs not in raw]
        unexpected = [key for key in raw if key not in known and not self.ignored(key)]
        state, shapes = {}, []
        for entry in entries:
            if entry.theirs not in raw:
                continue
            value = _in_our_order(raw[entry.theirs], entry.layout)
            if value is None or value.shape != own[entry.ours].shape:
                expected = entry.layout.theirs(torch.empty(own[entry.ours].shape, device='meta')).shape
                shapes.append(f'{entry.theirs}: {tuple(raw[entry.theirs].shape)} in the file, {tuple(expected)} in the model')
            else:
                state[entry.ours] = value.to(own[entry.ours].dtype).contiguous()
        if problem := describe_difference(missing, unexpected, shapes):
            raise InputError(
                f'{path} does not fit {type(generator).__name__} ({self.description}); check its resolution and source:\n{problem}'
            )
        check_finite(state, path)
        state |= {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in own.items() if key.endswith('num_batches_tracked')}
        if self.iterate:
            for key in [key for key in own if key.endswith(SN_WEIGHT)]:
                stem = key.removesuffix(SN_WEIGHT)
                state[stem + SN_U], state[stem + SN_V] = power_iteration(state[key], state[stem + SN_U])
        return state

    def restore(self, generator: ClassConditionalGenerator) -> dict[str, Tensor]:
        """Convert the unfolded state of a generator back to the names and layouts of the source."""
        own = generator.state_dict()
        return {entry.theirs: entry.layout.theirs(own[entry.ours]).contiguous().clone() for entry in self.entries(generator)}


def without_wrapper(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the prefix ``module.`` that DataParallel and averaged models add to all names."""
    wrapped = all(key.startswith('module.') for key in tensors)
    return {key.removeprefix('module.'): value for key, value in tensors.items()} if wrapped else tensors


def _in_our_order(value: Tensor, layout: Layout) -> Tensor | None:
    try:
        return layout.ours(value)
    except (RuntimeError, IndexError):  # another number of axes
        return None


def power_iteration(weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Run one power iteration. Return (u, v) so that u.W.v is the sigma of an evaluation that starts from ``u``."""
    matrix = weight.flatten(1)
    v = F.normalize(matrix.t() @ u, dim=0, eps=SN_EPS)
    return F.normalize(matrix @ v, dim=0, eps=SN_EPS), v


def parameter_entries(
    ours: str,
    theirs: str,
    module: nn.Module,
    names: dict[str, str],
    outputs: Layout = PLAIN,
    weight: Layout = PLAIN,
    u: Layout = PLAIN,
    v: Layout = PLAIN,
) -> Iterator[Entry]:
    """Yield the entries of one linear layer or convolution.

    Args:
        ours, theirs: Names of the layer in this package and in the source.
        module: Layer of the generator.
        names: Suffixes of the source's names of 'weight', 'bias', 'u', and of 'v' if the source stores v.
        outputs: Layout of the output axis of weight, bias and u. It is applied after ``weight`` and ``u``.
        weight, u, v: Layouts of these tensors in the source.
    """
    normalised = parametrize.is_parametrized(module, 'weight')
    yield Entry(f'{ours}.{SN_WEIGHT}' if normalised else f'{ours}.weight', theirs + names['weight'], weight.then(outputs))
    if normalised:
        yield Entry(f'{ours}.{SN_U}', theirs + names['u'], u.then(outputs))
        if 'v' in names:
            yield Entry(f'{ours}.{SN_V}', theirs + names['v'], v)
    if getattr(module, 'bias', None) is not None:
        yield Entry(f'{ours}.bias', theirs + names['bias'], outputs)
