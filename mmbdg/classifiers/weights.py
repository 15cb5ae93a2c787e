"""Load the weights of a classifier from a local file; nothing is downloaded."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from mmbdg.assets import PACKAGE_SCHEME, SCHEME, resolve
from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_state_dict
from mmbdg.errors import InputError


def weights_file(config: dict, key: str) -> Path:
    """Path of the weights file given by ``config[key]``.

    Raises:
        InputError: The file is not given or does not exist, or the value is a name under which a library would download weights.
    """
    value, library, model = config.get(key), config.get('type'), config.get('model', config.get('config'))
    if not value:
        raise InputError(f'the classifier {model} of {library} needs trained weights: {key}=PATH of its state dict')
    if isinstance(value, str | Path) and (resolve(value).is_file() or _is_path(str(value))):
        return checkpoint_file(value)
    raise InputError(
        f'{key}={value!r} of the classifier {model} names weights that {library} would download, and nothing is downloaded here: '
        'save them as a file (.pth with a state dict, or .safetensors) and give its path'
    )


def _is_path(text: str) -> bool:
    """Whether a text is a path, and not a URL or a name such as IMAGENET1K_V2 or ResNet50_Weights.DEFAULT."""
    if '://' in text:
        return text.startswith((SCHEME, PACKAGE_SCHEME))
    return '/' in text or '\\' in text or Path(text).suffix in ('.pth', '.pt', '.tar', '.bin', '.safetensors')


def load_weights(model: nn.Module, path: Path, config: dict, rename: Callable[[str], str] = str) -> None:
    """Load a state dict that must match the model exactly.

    Args:
        model: Model to fill.
        path: Path of the weights file.
        config: Config of the classifier: ``prefix`` is removed from the keys; with ``in_order=True`` the keys are ignored and the tensors
            are assigned in the order of the model's.
        rename: Function that converts a key of the file to a key of the model; default: no change.

    Raises:
        InputError: The file is truncated, could run code, or does not match the model.
    """
    state = read_state_dict(path, config.get('prefix') or '')
    if config.get('in_order'):
        own = model.state_dict()
        if path.suffix == '.safetensors':
            raise InputError(f'in_order=True: {path} does not keep the order of its tensors; give a file written by torch.save')
        if _in_a_row(own) != _in_a_row(state):
            raise InputError(f'in_order=True: the {len(state)} tensors of {path} do not match those of {type(model).__name__} in order')
        state = dict(zip(own, state.values(), strict=True))
    load_strict(model, {rename(key): value for key, value in state.items()}, path)


def _in_a_row(state: dict) -> list[tuple]:
    """Last part of the key (weight, bias, ...) and shape of each tensor; both stay equal if only the layers are named differently."""
    return [(key.rpartition('.')[2], value.shape) for key, value in state.items()]
