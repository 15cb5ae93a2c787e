"""A frozen module in eval mode."""

from typing import Generic, TypeVar

import torch
from torch import nn

from mmbdg.errors import InputError
from mmbdg.generators.spectral_norm import fold_spectral_norm

Module = TypeVar('Module', bound=nn.Module)

PRECISIONS = {'float32': None, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


class Frozen(Generic[Module]):
    """Holds a frozen module outside the state dict, the optimizer and the DDP wrapper of its owner.

    The module is in eval mode, its parameters need no gradients, and its spectral norms are folded into the weights.

    Args:
        module: Module to freeze: a generator, an interpreter or a classifier.
        precision: Precision of the forward pass: 'float32' (default), or 'bfloat16' or 'float16' with autocast, which is faster on devices
            that support it but gives different images.
        compile: Whether to compile the forward pass with ``torch.compile``; default False. It needs a C++ compiler or a GPU with triton,
            and the first call takes long.
        channels_last: Whether to use the channels-last memory format; default True. It is a third faster on CPUs (measured on the
            generator that comes with this package).

    Raises:
        InputError: The precision is unknown, or the module cannot be compiled.
    """

    def __init__(self, module: Module, precision: str = 'float32', compile: bool = False, channels_last: bool = True) -> None:
        if precision not in PRECISIONS:
            raise InputError(f'precision must be one of {", ".join(PRECISIONS)}, got {precision!r}')
        if compile and not getattr(module, 'compilable', True):
            raise InputError(f'a {type(module).__name__} cannot be compiled: its sampling is a loop of a scheduler. Set compile=False')
        self.precision = precision
        self._module = fold_spectral_norm(module.eval()).requires_grad_(False)
        if channels_last:
            self._module.to(memory_format=torch.channels_last)
        if compile:
            if hasattr(module, 'sample'):  # torch.compile would unroll VQGAN's loop over tokens
                self._module.sample = torch.compiler.disable(self._module.sample)
            entry = 'generate' if hasattr(module, 'generate') else 'forward'
            setattr(self._module, entry, torch.compile(getattr(self._module, entry)))

    def on(self, device: torch.device | str) -> Module:
        """The module, moved to the given device if necessary."""
        return self._module.to(device)

    def autocast(self, device: torch.device | str) -> torch.autocast:
        """Autocast context for the forward pass."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None)
