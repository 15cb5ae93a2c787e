"""What an adapter between a foreign checkpoint and our names is, and the accounting of keys."""

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
SN_EPS = 1e-4  # in BigGAN, its deep version, and all sources of their weights


@dataclass(frozen=True)
class Entry:
    """One tensor: our name, the source's, and the order of its numbers there."""

    ours: str
    theirs: str
    layout: Layout = PLAIN


class Adapter(ABC):
    """Names and orders of one source of checkpoints, in both directions, for unfolded weights.

    Attributes:
        name: Name of the source, as ``tools/convert_generator.py --from`` and ``source`` of ``mmbdg.PublishedWeights`` take it.
        description: Whose files these are.
        iterate: Whether the source keeps u only and runs one power iteration from it to evaluate (BigGAN's authors), instead of
            keeping u and v (torch).
    """

    name: str
    description: str
    iterate: bool = False

    @abstractmethod
    def config(self, raw: dict[str, Tensor]) -> dict[str, Any]:
        """Config of the generator whose weights these are. May raise KeyError or IndexError where names are missing."""

    @abstractmethod
    def entries(self, generator: ClassConditionalGenerator) -> Iterator[Entry]:
        """All tensors of a generator that the source has."""

    def filled(self, key: str) -> bool:
        """Whether one of our tensors is not the source's but follows from others, or counts something."""
        return key.endswith('num_batches_tracked') or (self.iterate and key.endswith(SN_V))

    def ignored(self, key: str) -> bool:
        """Whether a tensor of the source carries nothing that we need."""
        return False

    def read(self, path: str | os.PathLike) -> dict[str, Tensor]:
        """The source's tensors by its names.

        Raises:
            InputError: The file is missing, damaged, or would run code.
        """
        return without_wrapper(read_state_dict(path))

    def generator_config(self, raw: dict[str, Tensor], path: str | os.PathLike) -> dict[str, Any]:
        """:meth:`config`, or a plain error.

        Raises:
            InputError: The names in the file are not this source's.
        """
        try:
            return self.config(raw)
        except (KeyError, IndexError, StopIteration, ValueError) as error:
            lacking = f'it has no {error}' if isinstance(error, KeyError) else 'its names are others'
            raise InputError(
                f'{path} is not from {self.description}: {lacking}. Its first names are {sorted(raw)[:6]}; '
                'does --from name the right source?'
            ) from error

    def convert(self, raw: dict[str, Tensor], generator: nn.Module, path: str | os.PathLike = 'the file') -> dict[str, Tensor]:
        """The source's tensors as exactly the state of ``generator``, float32, unfolded.

        Raises:
            InputError: Keys are missing, unexpected or of another shape, all kinds are listed; or tensors hold NaN or infinity.
        """
        own = generator.state_dict()
        entries = list(self.entries(generator))
        if not all(entry.ours in own for entry in entries):
            raise InputError(f'{self.description} keeps spectrally normalised weights: build the generator with spectral_norm=True')
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
                f'{path} does not fit {type(generator).__name__} ({self.description}); is it of another resolution or source?\n{problem}'
            )
        check_finite(state, path)
        state |= {key: torch.zeros(value.shape, dtype=value.dtype) for key, value in own.items() if key.endswith('num_batches_tracked')}
        if self.iterate:
            for key in [key for key in own if key.endswith(SN_WEIGHT)]:
                stem = key.removesuffix(SN_WEIGHT)
                state[stem + SN_U], state[stem + SN_V] = power_iteration(state[key], state[stem + SN_U])
        return state

    def restore(self, generator: ClassConditionalGenerator) -> dict[str, Tensor]:
        """The way back: a generator's unfolded state by the source's names and in its orders."""
        own = generator.state_dict()
        return {entry.theirs: entry.layout.theirs(own[entry.ours]).contiguous().clone() for entry in self.entries(generator)}


def without_wrapper(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names without the ``module.`` that DataParallel and averaged models put before all of them."""
    wrapped = all(key.startswith('module.') for key in tensors)
    return {key.removeprefix('module.'): value for key, value in tensors.items()} if wrapped else tensors


def _in_our_order(value: Tensor, layout: Layout) -> Tensor | None:
    try:
        return layout.ours(value)
    except (RuntimeError, IndexError):  # another number of axes
        return None


def power_iteration(weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """One step: (u, v) such that u.W.v is the sigma that evaluation from ``u`` divides by."""
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
    """Entries of one linear map or convolution.

    Args:
        ours, theirs: Its name.
        module: It.
        names: The source's names, joined to ``theirs``, of 'weight', 'bias', 'u', and 'v' if it keeps v.
        outputs: Order of the output axis of weight, bias and u, once the axes are in our order.
        weight, u, v: Orders in which the source keeps these.
    """
    normalised = parametrize.is_parametrized(module, 'weight')
    yield Entry(f'{ours}.{SN_WEIGHT}' if normalised else f'{ours}.weight', theirs + names['weight'], weight.then(outputs))
    if normalised:
        yield Entry(f'{ours}.{SN_U}', theirs + names['u'], u.then(outputs))
        if 'v' in names:
            yield Entry(f'{ours}.{SN_V}', theirs + names['v'], v)
    if getattr(module, 'bias', None) is not None:
        yield Entry(f'{ours}.bias', theirs + names['bias'], outputs)
