"""Reading weights: safetensors or torch files, never a pickle that runs code, every key accounted for."""

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import torch
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import Tensor, nn

from mmbdg.assets import SCHEME, resolve
from mmbdg.errors import InputError


def read_checkpoint(path: str | os.PathLike, map_location: str | torch.device | None = 'cpu') -> dict:
    """Read a checkpoint file without executing anything in it.

    Args:
        path: ``*.safetensors``, else a file written by ``torch.save`` that holds tensors and plain values; ``mmbdg://...`` for an asset
            of this package.
        map_location: As in ``torch.load``.

    Raises:
        InputError: There is no such file, or it is cut off, of another kind, or a pickle with objects that would run code.
    """
    path = checkpoint_file(path)
    if path.suffix == '.safetensors':
        return _read_safetensors(path, map_location)
    return _read_torch(path, map_location, str(path))


def read_anywhere(source: str | os.PathLike) -> dict:
    """As :func:`read_checkpoint`, also from where mmengine reads: ``https://``, ``torchvision://``, ``open-mmlab://``.

    Raises:
        InputError: As :func:`read_checkpoint`.
    """
    source = str(source)
    if '://' in source and not source.startswith(SCHEME):
        return mmengine_checkpoint.CheckpointLoader.load_checkpoint(source, 'cpu', logger=None)
    return read_checkpoint(source)


def checkpoint_file(path: str | os.PathLike) -> Path:
    """The file a path names, see :func:`mmbdg.assets.resolve`.

    Raises:
        InputError: There is none.
    """
    path = resolve(path)
    if not path.is_file():
        raise InputError(f'there is no checkpoint at {path}')
    return path


def _read_torch(file: Path | IO[bytes], map_location: str | torch.device | None, name: str) -> dict:
    try:
        with torch.serialization.safe_globals(_plain_globals()):
            return torch.load(file, map_location=map_location, weights_only=True)
    except UnpicklingError as error:
        raise InputError(
            f'{name} was not loaded: it is no checkpoint of plain tensors, and unpickling it could run code '
            f'({_first_line(error)}). Ask for the weights as .safetensors, or as a state dict of tensors.'
        ) from error
    except Exception as error:  # what a damaged file raises depends on where it is damaged
        raise InputError(
            f'{name} was not loaded: the file is cut off or no checkpoint ({_first_line(error)}). Copy or download it again.'
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _plain_globals() -> list:
    """Classes in mmengine's training checkpoints that hold data only (OneDL names them; upstream mmengine has no such list)."""
    return getattr(mmengine_checkpoint, 'get_torch_safe_globals', list)()


def _read_safetensors(path: Path, map_location: str | torch.device | None) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device=str(map_location or 'cpu'))
    except SafetensorError as error:
        raise InputError(
            f'{path} was not loaded: the file is cut off or no safetensors file ({error}). Copy or download it again.'
        ) from error


def read_state_dict(path: str | os.PathLike, prefix: str = '') -> dict[str, Tensor]:
    """The tensors of a checkpoint, or those under ``prefix`` with the prefix removed.

    Raises:
        InputError: As :func:`read_checkpoint`, and if nothing lies under ``prefix``.
    """
    return tensors_under(read_checkpoint(path), prefix, path)


def tensors_under(checkpoint: dict, prefix: str, source: str | os.PathLike) -> dict[str, Tensor]:
    """The tensors of a checkpoint that was read, see :func:`read_state_dict`."""
    state_dict = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else {}
    named = {key: value for key, value in state_dict.items() if isinstance(key, str)} if isinstance(state_dict, dict) else {}
    tensors = {key[len(prefix) :]: value for key, value in named.items() if key.startswith(prefix) and isinstance(value, Tensor)}
    if not tensors:
        known = sorted({key.split('.')[0] for key in named})
        raise InputError(f'{source} holds no tensors' + (f' under "{prefix}"' if prefix else '') + f'; its first names are {known[:12]}')
    return tensors


def difference(module: nn.Module, state_dict: dict[str, Tensor]) -> str:
    """What keeps ``state_dict`` from being exactly the state of ``module``, in words; '' if nothing does."""
    own = module.state_dict()
    missing = [key for key in own if key not in state_dict]
    unexpected = [key for key in state_dict if key not in own]
    shapes = [
        f'{key}: {tuple(state_dict[key].shape)} in the file, {tuple(own[key].shape)} in the model'
        for key in own
        if key in state_dict and state_dict[key].shape != own[key].shape
    ]
    return describe_difference(missing, unexpected, shapes)


def describe_difference(missing: list[str], unexpected: list[str], shapes: list[str]) -> str:
    """The three kinds of trouble with keys, in words; '' if there is none."""
    parts = [('missing from the file', missing), ('not known to the model', unexpected), ('of another shape', shapes)]
    return '\n'.join(f'  {len(keys)} {what}: ' + ', '.join(keys[:8]) + (', ...' if len(keys) > 8 else '') for what, keys in parts if keys)


def load_strict(module: nn.Module, state_dict: dict[str, Tensor], source: str | os.PathLike) -> None:
    """Load exactly this state, or nothing.

    Raises:
        InputError: Keys are missing, unexpected or of another shape; all kinds are listed and the module is left as it was.
    """
    if problem := difference(module, state_dict):
        raise InputError(f'{source} does not fit {type(module).__name__}; is it a checkpoint of another architecture?\n{problem}')
    module.load_state_dict(state_dict)


def load_pretrained(module: nn.Module, init_cfg: dict) -> None:
    """``init_cfg=dict(type='Pretrained', checkpoint=PATH, prefix='')`` without mmengine's ``strict=False``.

    Raises:
        InputError: ``init_cfg`` is of another type, or the checkpoint does not fit (see :func:`load_strict`).
    """
    if init_cfg.get('type') != 'Pretrained' or 'checkpoint' not in init_cfg:
        raise InputError(f"init_cfg of {type(module).__name__} must be dict(type='Pretrained', checkpoint=..., prefix=''), got {init_cfg}")
    load_strict(module, read_state_dict(init_cfg['checkpoint'], init_cfg.get('prefix') or ''), init_cfg['checkpoint'])


def register_schemes() -> None:
    """Let mmengine's ``init_cfg`` and ``load_from`` read ``*.safetensors`` and this package's assets (``mmbdg://...``)."""
    for prefix in (r'.*\.safetensors$', SCHEME):
        mmengine_checkpoint.CheckpointLoader.register_scheme(prefixes=prefix, loader=_load, force=True)


def _load(filename: str, map_location: str | torch.device | None = None) -> dict[str, Tensor]:
    return read_checkpoint(filename, map_location)


def refuse_pickle() -> None:
    """Replace mmengine's fallback to full pickle in this process: a file that needs it is refused. Our tools call this first."""
    mmengine_checkpoint._safe_torch_load = _torch_load
    mmengine_checkpoint.load_url = _load_url


def _torch_load(file: Any, map_location: str | torch.device | None = None, weights_only: bool | None = None) -> dict:
    return _read_torch(file, map_location, 'the file') if hasattr(file, 'read') else read_checkpoint(file, map_location)


def _load_url(url: str, **options: Any) -> dict:
    with torch.serialization.safe_globals(_plain_globals()):
        return torch.hub.load_state_dict_from_url(url, **{**options, 'weights_only': True})
