"""A trained module at rest."""

from typing import Generic, TypeVar

import torch
from torch import nn

from mmbdg.errors import InputError
from mmbdg.generators.spectral_norm import fold_spectral_norm

Module = TypeVar('Module', bound=nn.Module)

PRECISIONS = {'float32': None, 'bfloat16': torch.bfloat16, 'float16': torch.float16}


class Frozen(Generic[Module]):
    """Holds a module for an owner whose state dict, optimiser and DDP wrapper must not see it.

    The module is in eval mode, takes no gradients, and has no spectral norm left to compute.

    Args:
        module: A generator, an interpreter or a classifier.
        precision: 'float32', or 'bfloat16' or 'float16' for autocast: faster where the device has it, other pictures.
        compile: Whether ``torch.compile`` fuses its forward pass (needs a C++ compiler or a GPU with triton; the first call takes long).
        channels_last: Whether pictures and features lie in memory pixel by pixel; a third faster on CPUs (measured on the embedded
            generator).

    Raises:
        InputError: The precision is unknown.
    """

    def __init__(self, module: Module, precision: str = 'float32', compile: bool = False, channels_last: bool = True) -> None:
        if precision not in PRECISIONS:
            raise InputError(f'precision must be one of {", ".join(PRECISIONS)}, got {precision!r}')
        self.precision = precision
        self._module = fold_spectral_norm(module.eval()).requires_grad_(False)
        if channels_last:
            self._module.to(memory_format=torch.channels_last)
        if compile:
            if hasattr(module, 'sample'):  # VQGAN's loop over tokens would be unrolled
                self._module.sample = torch.compiler.disable(self._module.sample)
            entry = 'generate' if hasattr(module, 'generate') else 'forward'
            setattr(self._module, entry, torch.compile(getattr(self._module, entry)))

    def on(self, device: torch.device | str) -> Module:
        """The module, moved to the device if it is not there."""
        return self._module.to(device)

    def autocast(self, device: torch.device | str) -> torch.autocast:
        """The context its forward pass runs in."""
        dtype = PRECISIONS[self.precision]
        return torch.autocast(torch.device(device).type, dtype, enabled=dtype is not None)
