"""Lightning checkpoints: tensors among pickled objects of packages that need not be there, and must not be run."""

import os
import pickle
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from mmbdg.compat.checkpoint import checkpoint_file, tensors_under
from mmbdg.errors import InputError

# The functions of torch that put tensors together. Each load wraps them anew: a pickle can set attributes on what it finds.
_REBUILD = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')


class Inert(dict):
    """Stands for an object of an unknown class: takes whatever a pickle does to it, and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> 'Inert':
        return self

    def append(self, *args: Any) -> None:
        """Of a list."""

    extend = add = append
    __hash__, __eq__ = object.__hash__, object.__eq__


class _InertUnpickler(pickle.Unpickler):
    """Finds OrderedDict, torch's dtypes and the functions that rebuild tensors; every other name becomes an inert class of its own."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ('collections', 'OrderedDict'):
            return OrderedDict
        if module == 'torch._utils' and name in _REBUILD:
            return _wrapped(getattr(torch._utils, name))
        if module == 'torch' and isinstance(vars(torch).get(name), torch.dtype):  # getattr would import what torch imports lazily
            return vars(torch)[name]
        return type(name, (Inert,), {})


def _wrapped(function: Callable) -> Callable:
    return lambda *args: function(*args)


def read_lightning(path: str | os.PathLike, prefix: str = '') -> dict[str, Tensor]:
    """The tensors of a Lightning checkpoint's ``state_dict``, mapped from the file, without running anything in it.

    Raises:
        InputError: There is no such file; it is cut off, no checkpoint of torch >= 1.6, or holds no tensors.
    """
    path = checkpoint_file(path)
    try:
        # torch's own reader: a file can be made to look otherwise to Python's. A program of TorchScript would run while it is loaded.
        records = torch._C.PyTorchFileReader(str(path)).get_all_records()
        if 'data.pkl' not in records or 'constants.pkl' in records:
            raise InputError(f'{path} is no checkpoint written by torch.save (a program of TorchScript perhaps)')
        module = SimpleNamespace(Unpickler=_InertUnpickler, load=_refuse, __name__='mmbdg.compat.lightning')
        # weights_only=False lets torch use the unpickler above, which finds nothing that could be run.
        checkpoint = torch.load(path, map_location='cpu', pickle_module=module, weights_only=False, mmap=True)
    except InputError:
        raise
    except Exception as error:  # what a damaged file raises depends on where it is damaged
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f'{path} was not loaded: the file is cut off or no checkpoint ({reason}). Copy or download it again.') from error
    return tensors_under(checkpoint, prefix, path)


def _refuse(*args: Any, **kwargs: Any) -> None:
    raise InputError('checkpoints from before torch 1.6 are not read')
