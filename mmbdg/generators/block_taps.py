"""Features of submodules, recorded with forward hooks during one pass."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

Read = Callable[[nn.Module, tuple, Mapping[str, Any], Any], Tensor]
"""Reads a feature from a module, its positional and keyword arguments, and its output."""


@contextmanager
def recorded(taps: Mapping[Hashable, tuple[nn.Module, Read]], into: dict[Hashable, Tensor]) -> Iterator[None]:
    """Context in which the features of modules are recorded. The modules' results stay the same.

    Args:
        taps: A module, and how its feature is read, for each key.
        into: Receives the features by the same keys when the modules run; the last one if a module runs several times.
    """

    def hook(key: Hashable, read: Read) -> Callable:
        def keep(module: nn.Module, args: tuple, kwargs: Mapping[str, Any], output: Any) -> None:
            into[key] = read(module, args, kwargs, output)

        return keep

    handles = []
    try:
        for key, (module, read) in taps.items():
            handles.append(module.register_forward_hook(hook(key, read), with_kwargs=True))
        yield
    finally:
        for handle in handles:
            handle.remove()
