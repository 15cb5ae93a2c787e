"""Use of a model in the middle of its training, without a trace in the training."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode and disable gradients; on exit, restore each module's mode and the states of the global random
    generators of Python, numpy and torch."""
    modes = [(module, module.training) for module in model.modules()]
    states = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            yield
    finally:
        for module, training in modes:
            module.training = training  # not train(), which also changes submodules that were frozen by hand
        random.setstate(states[0])
        np.random.set_state(states[1])
