"""Read checkpoints from safetensors or torch files, without running code from a pickle, and load them with every key checked."""

import os
import re
import warnings
import zipfile
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any
from urllib.parse import urlparse

import torch
from mmengine.runner import checkpoint as mmengine_checkpoint
from torch import Tensor, nn

from mmbdg.assets import SCHEME, resolve
from mmbdg.compat.file_kind import file_kind
from mmbdg.compat.init_configs import PIPELINE_WEIGHTS, PUBLISHED_WEIGHTS, current_init
from mmbdg.compat.plain_pickle import PlainValueError, only_plain_globals, plain_values
from mmbdg.data_configs import build_plainly
from mmbdg.errors import InputError
from mmbdg.registry import WEIGHT_INITIALIZERS

WRAPPERS = ('state_dict', 'model', 'model_state_dict', 'teacher')
"""Keys of a model's state dict in a checkpoint: of mmengine and Lightning; of DETR, MAE and detectron2; of torch's tutorials; of DINO."""
COMPILED = '_orig_mod.'
"""Text that ``torch.compile`` inserts into the keys of a state dict."""


def read_checkpoint(path: str | os.PathLike, map_location: str | torch.device | None = 'cpu') -> dict:
    """Read a checkpoint file without executing anything in it.

    Args:
        path: Path of a ``*.safetensors`` file, or of a file written by ``torch.save`` that holds tensors and plain values; or
            ``mmbdg://...`` for an asset of this package.
        map_location: Device of the tensors, as in ``torch.load``; default 'cpu'.

    Returns:
        The content of the file.

    Raises:
        InputError: The file does not exist, is truncated, is of another kind, holds a single value, or is a pickle that could run code.
    """
    path = checkpoint_file(path)
    if path.suffix == '.safetensors':
        return _read_safetensors(path, map_location)
    content = _read_torch(path, map_location, str(path))
    if not isinstance(content, dict):
        raise InputError(f'{path} is no checkpoint: it holds one value, a {type(content).__name__}')
    return content


def read_anywhere(source: str | os.PathLike) -> dict:
    """Like :func:`read_checkpoint`, but also from the remote sources of mmengine: ``https://``, ``torchvision://``, ``open-mmlab://``.

    Raises:
        InputError: See :func:`read_checkpoint`.
    """
    source = str(source)
    if '://' in source and not source.startswith(SCHEME):
        return mmengine_checkpoint.CheckpointLoader.load_checkpoint(source, 'cpu', logger=None)
    return read_checkpoint(source)


def checkpoint_file(path: str | os.PathLike) -> Path:
    """Path of a checkpoint file, see :func:`mmbdg.assets.resolve`.

    Raises:
        InputError: The file does not exist.
    """
    path = resolve(path)
    if not path.is_file():
        raise InputError(f'there is no checkpoint at {path}')
    return path


def _read_torch(file: Path | IO[bytes], map_location: str | torch.device | None, name: str) -> Any:
    if isinstance(file, Path):
        _check_kind(file)
    try:
        with only_plain_globals(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # on pickle protocols: they concern the writer of the file, not its reader
            content = torch.load(file, map_location=map_location, weights_only=True)
        return plain_values(content)
    except (UnpicklingError, PlainValueError, RecursionError) as error:
        raise InputError(
            f'{name} was not loaded: it holds more than tensors and plain values ({_refused(error)}), and other objects in a pickle could '
            'run code. Ask for the weights as .safetensors, or as a state dict of tensors.'
        ) from error
    except Exception as error:  # a damaged file can raise any exception
        raise InputError(
            f'{name} was not loaded: the file is cut off or no checkpoint ({_first_line(error)}). Copy or download it again.'
        ) from error


def _refused(error: Exception) -> str:
    """The refused object in words, without the advice in torch's message to load the file anyway."""
    if isinstance(error, PlainValueError):
        return str(error)
    if isinstance(error, RecursionError):
        return 'values are nested too deeply'
    if found := re.search(r'GLOBAL (\S+)', str(error)):
        return f'the name {found[1]}'
    if found := re.search(r'(?:Unsupported (?:class|operand|global|type)|Trying to \w+|Can only|Tried to)[^\n.`]*', str(error)):
        return found[0].strip()
    return 'it is of another form'


def _check_kind(path: Path) -> None:
    """Raise an error for a file of another kind, and for a compressed archive: torch stores its files uncompressed."""
    if kind := file_kind(path):
        raise InputError(f'{path} was not loaded: it is {kind}.')
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise InputError(
                    f'{path} was not loaded: it is a compressed archive, which torch does not write; unpacked it could be of any size.'
                )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _read_safetensors(path: Path, map_location: str | torch.device | None) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device=str(map_location or 'cpu'))
    except SafetensorError as error:
        if kind := file_kind(path):
            raise InputError(f'{path} was not loaded: it is {kind}.') from error
        raise InputError(
            f'{path} was not loaded: the file is cut off or no safetensors file ({error}). Copy or download it again.'
        ) from error


def read_state_dict(path: str | os.PathLike, prefix: str = '') -> dict[str, Tensor]:
    """Read the tensors of a checkpoint whose keys begin with ``prefix``; the prefix is removed. Default prefix '': all tensors.

    Raises:
        InputError: See :func:`read_checkpoint`; or no key begins with ``prefix``.
    """
    return tensors_under(read_checkpoint(path), prefix, path)


def tensors_under(checkpoint: dict, prefix: str, source: str | os.PathLike) -> dict[str, Tensor]:
    """Select tensors of a checkpoint by prefix, see :func:`read_state_dict`.

    The state dict may lie under one of :data:`WRAPPERS`; the text that ``torch.compile`` inserts into keys is removed.
    """
    named = {key.replace(COMPILED, ''): value for key, value in _unwrapped(checkpoint).items() if isinstance(key, str)}
    tensors = {key[len(prefix) :]: value for key, value in named.items() if key.startswith(prefix) and isinstance(value, Tensor)}
    if not tensors:
        known = sorted({key.split('.')[0] for key in named})
        raise InputError(f'{source} holds no tensors' + (f' under "{prefix}"' if prefix else '') + f'; its first names are {known[:12]}')
    return tensors


def _unwrapped(checkpoint: Any) -> dict:
    for key in WRAPPERS if isinstance(checkpoint, dict) else ():
        inner = checkpoint.get(key)
        if isinstance(inner, dict) and any(isinstance(value, Tensor) for value in inner.values()):
            return inner
    if isinstance(checkpoint, dict):
        inner = checkpoint.get('state_dict', checkpoint)
        return inner if isinstance(inner, dict) else {}
    return {}


def check_finite(tensors: dict[str, Tensor], source: str | os.PathLike) -> None:
    """Check that all floating-point weights are finite.

    Raises:
        InputError: Some tensors hold NaN or infinity; the message names the first ones.
    """
    bad = [key for key, value in tensors.items() if value.is_floating_point() and not value.isfinite().all()]
    if bad:
        raise InputError(
            f'{source}: {len(bad)} of {len(tensors)} tensors hold NaN or infinity ({", ".join(bad[:5])}{", ..." if len(bad) > 5 else ""}); '
            'the training that wrote it had failed: take an earlier checkpoint'
        )


def difference(module: nn.Module, state_dict: dict[str, Tensor]) -> str:
    """Differences between ``state_dict`` and the state dict of ``module`` in keys and shapes, in words; '' if there are none."""
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
    """Text that lists missing keys, unexpected keys and keys with another shape; '' if there are none."""
    parts = [('missing from the file', missing), ('not known to the model', unexpected), ('of another shape', shapes)]
    return '\n'.join(f'  {len(keys)} {what}: ' + ', '.join(keys[:8]) + (', ...' if len(keys) > 8 else '') for what, keys in parts if keys)


def load_strict(module: nn.Module, state_dict: dict[str, Tensor], source: str | os.PathLike) -> None:
    """Load a state dict whose keys and shapes match the module exactly.

    Raises:
        InputError: Keys are missing or unexpected, tensors have another shape, or a tensor holds NaN or infinity. The module is unchanged.
    """
    if problem := difference(module, state_dict):
        raise InputError(f'{source} does not fit {type(module).__name__}; is it a checkpoint of another architecture?\n{problem}')
    check_finite(state_dict, source)
    module.load_state_dict(state_dict)


def load_pretrained(module: nn.Module, init_cfg: dict) -> None:
    """Load the checkpoint of an ``init_cfg`` exactly; mmengine's ``Pretrained`` loads with ``strict=False``.

    Args:
        module: Module to fill.
        init_cfg: ``dict(type='Pretrained', checkpoint=PATH, prefix='')``, or ``dict(type='mmbdg.PublishedWeights', checkpoint=PATH,
            source=NAME)``, also in its old spelling (see :func:`~mmbdg.compat.init_configs.current_init`), or
            ``dict(type='mmbdg.PipelineWeights', checkpoint=FOLDER, ...)``.

    Raises:
        InputError: ``init_cfg`` has another type, or the checkpoint does not match the module (see :func:`load_strict`).
    """
    init_cfg = current_init(init_cfg)
    if init_cfg.get('type') in (PUBLISHED_WEIGHTS, PIPELINE_WEIGHTS):
        build_plainly(WEIGHT_INITIALIZERS, init_cfg, f'init_cfg of {type(module).__name__}')(module)
        return
    if init_cfg.get('type') != 'Pretrained' or 'checkpoint' not in init_cfg:
        raise InputError(f"init_cfg of {type(module).__name__} must be dict(type='Pretrained', checkpoint=..., prefix=''), got {init_cfg}")
    load_strict(module, read_state_dict(init_cfg['checkpoint'], init_cfg.get('prefix') or ''), init_cfg['checkpoint'])


def install_safe_reader() -> None:
    """Make mmengine read every checkpoint with :func:`read_checkpoint`, in this process. Idempotent.

    ``init_cfg``, ``load_from`` and ``resume`` then also read ``*.safetensors`` and assets of this package (``mmbdg://...``), and never run
    code from a pickle: mmengine's own reader falls back to an unrestricted pickle, for downloads without asking.
    """
    for prefix in ('', r'.*\.safetensors$', SCHEME):  # '': local files
        mmengine_checkpoint.CheckpointLoader.register_scheme(prefixes=prefix, loader=load_from_local, force=True)
    mmengine_checkpoint._safe_torch_load = _torch_load
    mmengine_checkpoint.load_url = _load_url


def load_from_local(filename: str, map_location: str | torch.device | None = None) -> dict[str, Tensor]:
    """Replacement of mmengine's function; mmengine derives the word "local" in its log from this name."""
    return read_checkpoint(filename, map_location)


def _torch_load(file: Any, map_location: str | torch.device | None = None, weights_only: bool | None = None) -> dict:
    return _read_torch(file, map_location, 'the file') if hasattr(file, 'read') else read_checkpoint(file, map_location)


def _load_url(
    url: str,
    model_dir: str | None = None,
    map_location: str | torch.device | None = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    **_: Any,
) -> dict:
    """``torch.hub.load_state_dict_from_url`` with the same arguments, but the file is read by :func:`read_checkpoint`."""
    folder = Path(model_dir or Path(torch.hub.get_dir()) / 'checkpoints')
    path = folder / Path(file_name or urlparse(url).path).name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        stated = torch.hub.HASH_REGEX.search(path.name) if check_hash else None
        torch.hub.download_url_to_file(url, str(path), stated[1] if stated else None, progress)
    return read_checkpoint(path, map_location)
