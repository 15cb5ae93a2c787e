"""Read the tensors of Lightning checkpoints, without the packages of the other pickled objects and without running their code."""

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

# First bytes of files from before torch 1.6; later files are zip archives.
OLD_START = pickle.dumps(torch.serialization.MAGIC_NUMBER, protocol=2)
OLD = 'checkpoints from before torch 1.6 are not read. Load it with a later torch and save it again'
# torch's functions that rebuild tensors. Each load wraps them in new functions, because a pickle can set attributes on a global.
_REBUILD = ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')


class Inert(dict):
    """Placeholder for an object of an unknown class: it accepts every operation of a pickle and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None:
        pass

    def __call__(self, *args: Any, **kwargs: Any) -> 'Inert':
        return self

    def append(self, *args: Any) -> None:
        """Ignore an item that a pickle appends to a subclass of list."""

    extend = add = append
    __hash__, __eq__ = object.__hash__, object.__eq__


class _InertUnpickler(pickle.Unpickler):
    """Unpickler that resolves OrderedDict, torch's dtypes and the functions that rebuild tensors; other names become inert classes."""

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
    """Read the tensors of a Lightning checkpoint's ``state_dict``, memory-mapped, without running anything in the file.

    Args:
        path: Path of the checkpoint.
        prefix: Beginning of the keys to read, which is removed; default '': all keys.

    Raises:
        InputError: The file does not exist, is truncated, is not a checkpoint of torch >= 1.6, or holds no tensors.
    """
    path = checkpoint_file(path)
    with path.open('rb') as file:
        if file.read(len(OLD_START)) == OLD_START:
            raise InputError(f'{path} was not loaded: {OLD}')
    try:
        # torch's own zip reader, because a crafted file can look different to Python's. A TorchScript program would run when loaded.
        records = torch._C.PyTorchFileReader(str(path)).get_all_records()
        if 'data.pkl' not in records or 'constants.pkl' in records:
            raise InputError(f'{path} is not a checkpoint written by torch.save (perhaps it is a TorchScript program)')
        module = SimpleNamespace(Unpickler=_InertUnpickler, load=_refuse, __name__='mmbdg.compat.lightning')
        # weights_only=False makes torch use the unpickler above, which resolves no name that could run code.
        checkpoint = torch.load(path, map_location='cpu', pickle_module=module, weights_only=False, mmap=True)
    except InputError:
        raise
    except Exception as error:  # a damaged file can raise any exception
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f'{path} was not loaded: the file is cut off or no checkpoint ({reason}). Copy or download it again.') from error
    return tensors_under(checkpoint, prefix, path)


def _refuse(*args: Any, **kwargs: Any) -> None:
    raise InputError(OLD)
