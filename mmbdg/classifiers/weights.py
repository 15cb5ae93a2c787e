"""The file a classifier's weights are in: one that is there, nothing is ever downloaded."""

from collections.abc import Callable
from pathlib import Path

from torch import nn

from mmbdg.assets import PACKAGE_SCHEME, SCHEME, resolve
from mmbdg.compat.checkpoint import checkpoint_file, load_strict, read_state_dict
from mmbdg.errors import InputError


def weights_file(config: dict, key: str) -> Path:
    """The file that ``config[key]`` names.

    Raises:
        InputError: There is none; or weights are given by the name under which a library would download them.
    """
    value, library, model = config.get(key), config.get('type'), config.get('model', config.get('config'))
    if not value:
        raise InputError(f'the classifier {model} of {library} needs {key}=PATH of its state dict; an untrained one judges nothing')
    if isinstance(value, str | Path) and (resolve(value).is_file() or _is_path(str(value))):
        return checkpoint_file(value)
    raise InputError(
        f'{key}={value!r} of the classifier {model} names weights that {library} would download, and nothing is downloaded here: '
        'save them as a file (.pth with a state dict, or .safetensors) and give its path'
    )


def _is_path(text: str) -> bool:
    """Not a URL, nor a name such as IMAGENET1K_V2 or ResNet50_Weights.DEFAULT."""
    if '://' in text:
        return text.startswith((SCHEME, PACKAGE_SCHEME))
    return '/' in text or '\\' in text or Path(text).suffix in ('.pth', '.pt', '.tar', '.bin', '.safetensors')


def load_weights(model: nn.Module, path: Path, config: dict, rename: Callable[[str], str] = str) -> None:
    """Load a state dict, all of it or nothing.

    Args:
        model: Takes it.
        path: Of the file.
        config: Its ``prefix`` is taken off the names; with ``in_order=True`` the file's names are others than the model's, in their order.
        rename: Name in the file -> name in the model.

    Raises:
        InputError: The file is cut off, would run code, or does not fit.
    """
    state = read_state_dict(path, config.get('prefix') or '')
    if config.get('in_order'):
        own = model.state_dict()
        if path.suffix == '.safetensors':
            raise InputError(f'in_order=True: {path} does not keep the order of its tensors, a file of torch.save does')
        if _in_a_row(own) != _in_a_row(state):
            raise InputError(f'in_order=True: the {len(state)} tensors of {path} are not those of {type(model).__name__} one by one')
        state = dict(zip(own, state.values(), strict=True))
    load_strict(model, {rename(key): value for key, value in state.items()}, path)


def _in_a_row(state: dict) -> list[tuple]:
    """What tensors have in common if they are the same under other names: weight, bias, running_mean ..., and the shape."""
    return [(key.rpartition('.')[2], value.shape) for key, value in state.items()]
