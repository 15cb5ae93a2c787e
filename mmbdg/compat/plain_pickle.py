"""Restrict the globals in a torch file to a closed list, and build plain values from them.

``torch.load(weights_only=True)`` calls allowed globals with arguments from the file. mmengine's list of safe globals includes ``getattr``,
through which a file can call any function. Here no object of Python or numpy is allowed itself: each allowed name is replaced by a class or
function of this module that only stores its arguments. :func:`plain_values` then checks types and sizes, and builds numpy arrays, numbers,
mmengine's log histories and the arguments of a command from what was stored.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from torch import Tensor

STATISTICS = ('min', 'max', 'mean', 'current')
"""Methods of ``HistoryBuffer`` that appear in mmengine's training checkpoints."""
NUMBERS = 'biufc'
"""Allowed kinds of numpy dtypes: numbers, but no objects, records or strings."""
SMALL = 2**20
"""Size in bytes up to which a tensor may be larger than its storage (an expanded tensor)."""


class PlainValueError(ValueError):
    """A value in the file is not an array of numbers, or does not have the size that it declares."""


class _Dtype:
    """Stand-in for ``numpy.dtype``."""

    def __init__(self, code: object = '', align: object = False, copy: object = False) -> None:
        self.code, self.order = code, '='

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ('<', '>', '|', '='):
            raise PlainValueError('an array has a dtype in a form that numpy does not write')
        self.order = state[1]

    def numpy(self) -> np.dtype:
        """The numpy dtype, which must be one of numbers."""
        try:
            dtype = np.dtype(self.code) if isinstance(self.code, str) and len(self.code) < 8 else None
        except TypeError:
            dtype = None
        if dtype is None or dtype.kind not in NUMBERS:
            raise PlainValueError(f'an array has the type {self.code!r}; arrays of numbers are read')
        return dtype.newbyteorder(self.order)


class _Array:
    """Stand-in for a pickled numpy array."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def numpy(self) -> np.ndarray:
        """The numpy array."""
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise PlainValueError('an array has another form than numpy writes')
        _, shape, dtype, fortran, content = self.state
        if not (isinstance(shape, tuple) and all(type(side) is int and side >= 0 for side in shape) and isinstance(dtype, _Dtype)):
            raise PlainValueError('an array has no shape or no dtype')
        kind = dtype.numpy()
        if not isinstance(content, bytes) or len(content) != prod(shape) * kind.itemsize:
            raise PlainValueError(f'an array of shape {shape} does not hold as many numbers')
        values = np.frombuffer(content, kind).reshape(shape, order='F' if fortran else 'C')
        return values.astype(kind.newbyteorder('='))  # a copy, because an array from frombuffer is read-only


class _Scalar:
    """Stand-in for a numpy scalar."""

    def __init__(self, dtype: object = None, content: object = b'') -> None:
        self.dtype, self.content = dtype, content

    def numpy(self) -> np.generic:
        """The numpy scalar."""
        kind = self.dtype.numpy() if isinstance(self.dtype, _Dtype) else None
        if kind is None or not isinstance(self.content, bytes) or len(self.content) != kind.itemsize:
            raise PlainValueError('a number has another form than numpy writes')
        return np.frombuffer(self.content, kind)[0]


class _History:
    """Stand-in for ``mmengine.logging.HistoryBuffer``."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def mmengine(self) -> HistoryBuffer:
        """The history buffer, with mmengine's own statistics methods."""
        state = self.state if isinstance(self.state, dict) else {}
        logs, counts, length = (state.get(key) for key in ('_log_history', '_count_history', 'max_length'))
        if not isinstance(logs, _Array) or not isinstance(counts, _Array) or type(length) is not int:
            raise PlainValueError('a log history has another form than mmengine writes')
        history = HistoryBuffer(max_length=length)
        history._log_history, history._count_history = logs.numpy(), counts.numpy()
        return history


class _Arguments:
    """Stand-in for ``argparse.Namespace``, the arguments of a command, which many trainings store beside the weights."""

    state: object = {}  # a pickle makes the object without __init__, and stores no state if there are no arguments

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    def values(self) -> dict:
        """The arguments by name."""
        if not isinstance(self.state, dict):
            raise PlainValueError('the arguments of a command have another form than argparse writes')
        return self.state if self.state else {}


def _statistics(owner: object, name: object) -> str:
    """Stand-in for ``getattr``: returns the name of a statistics method of a history buffer, which mmengine stores with it."""
    if owner is not _History or name not in STATISTICS:
        raise PlainValueError(f'it asks for the attribute {str(name)[:40]!r} of an object')
    return str(name)


def _no_bytes(*arguments: object) -> bytes:
    """Stand-in for ``bytes``, which a pickled empty array calls without arguments."""
    if arguments:
        raise PlainValueError('it calls bytes with arguments')
    return b''


def _number_type(*_: object) -> _Dtype:
    raise PlainValueError('an array has a dtype in a form that numpy does not write')


ALLOWED: list[tuple[Callable, str]] = [
    (_History, 'mmengine.logging.history_buffer.HistoryBuffer'),
    (_Arguments, 'argparse.Namespace'),
    (_statistics, 'builtins.getattr'),
    (_no_bytes, 'builtins.bytes'),
    (_Dtype, 'numpy.dtype'),
    (_number_type, 'numpy.ndarray'),  # an argument of _reconstruct; never called
    *((_Array, f'{module}._reconstruct') for module in ('numpy.core.multiarray', 'numpy._core.multiarray')),
    *((_Scalar, f'{module}.scalar') for module in ('numpy.core.multiarray', 'numpy._core.multiarray')),
]
"""Pairs of a stand-in and the name of the global that it replaces."""


@contextmanager
def only_plain_globals() -> Iterator[None]:
    """Context in which ``torch.load(weights_only=True)`` accepts only torch's own globals and :data:`ALLOWED`; the safe globals that this
    process has added are restored afterwards."""
    added = torch.serialization.get_safe_globals()
    torch.serialization.clear_safe_globals()
    try:
        with torch.serialization.safe_globals(ALLOWED):
            yield
    finally:
        torch.serialization.add_safe_globals(added)


def plain_values(value: Any) -> Any:
    """Replace the stand-ins in a value loaded inside :func:`only_plain_globals` by what they stand for: numpy arrays, numbers, history
    buffers, and dicts of arguments.

    Dicts and lists are changed in place and keep their order.

    Raises:
        PlainValueError: A value has a form that its library does not write, or a tensor is larger than its storage.
        RecursionError: Values are nested too deeply.
    """
    return _plain(value, {})


def _plain(value: Any, known: dict[int, tuple[Any, Any]]) -> Any:
    if id(value) in known:
        return known[id(value)][1]
    if isinstance(value, Tensor):
        _check_size(value)
    elif isinstance(value, _Array | _Scalar):
        known[id(value)] = value, value.numpy()
    elif isinstance(value, _History):
        known[id(value)] = value, value.mmengine()
    elif isinstance(value, _Arguments):
        known[id(value)] = value, value.values()
        _plain(value.values(), known)
    elif isinstance(value, _Dtype):
        known[id(value)] = value, value.numpy()
    elif isinstance(value, dict):
        known[id(value)] = value, value
        for key, part in value.items():
            value[key] = _plain(part, known)
        for part in vars(value).values() if hasattr(value, '__dict__') else ():  # the metadata of a state dict
            _plain(part, known)
    elif isinstance(value, list):
        known[id(value)] = value, value
        value[:] = [_plain(part, known) for part in value]
    elif type(value) is tuple:
        known[id(value)] = value, tuple(_plain(part, known) for part in value)
    return known.get(id(value), (value, value))[1]


def _check_size(tensor: Tensor) -> None:
    if tensor.layout != torch.strided or tensor.device.type == 'meta':
        return
    shown, held = tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes()
    if shown > max(held, SMALL):
        raise PlainValueError(f'a tensor of shape {tuple(tensor.shape)} takes {shown:,} bytes, the file holds {held:,} of them')
