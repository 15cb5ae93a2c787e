"""What looks at a model while it trains."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from mmbdg.errors import InputError


class PeriodicHook(Hook):
    """Looks at the model every ``interval`` iterations and at the end of the training, and leaves the training as it was.

    The first process looks alone, in evaluation mode and without gradients, so a subclass must call nothing that the processes do together
    (the losses of mmpretrain's methods do).

    Args:
        interval: Iterations, also where the training counts epochs; None: at the end only.
        at_start: Look at what a training begins with too; one that resumes does not begin.

    Raises:
        InputError: The interval is not positive.
    """

    priority = 'LOW'

    def __init__(self, interval: int | None = None, at_start: bool = False) -> None:
        if interval is not None and interval < 1:
            raise InputError(f'interval of {type(self).__name__} is a number of iterations, at least 1, or None (at the end only)')
        self.interval, self.at_start = interval, at_start
        self._seen = -1  # the step of the last look

    def prepare(self, runner: Runner) -> None:
        """Gather what is looked at, before the training; what is missing is said here."""

    def look(self, runner: Runner, step: int) -> None:
        """Compute and write; ``step`` is the number of iterations done."""
        raise NotImplementedError  # abstract: each subclass looks at something else

    def before_train(self, runner: Runner) -> None:
        if runner.rank:
            return
        with undisturbed(runner.model):
            self.prepare(runner)
        if self.at_start and runner.iter == 0:
            self._look(runner, 0)

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None) -> None:
        if self.interval and self.every_n_train_iters(runner, self.interval):
            self._look(runner, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        if self._seen != runner.iter:
            self._look(runner, runner.iter)

    def _look(self, runner: Runner, step: int) -> None:
        if runner.rank:
            return
        with undisturbed(runner.model):
            self.look(runner, step)
        self._seen = step


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Inside, the model is in evaluation mode and nothing has gradients; afterwards each module's mode and the states of Python's, numpy's
    and torch's global generators are what they were."""
    modes = [(module, module.training) for module in model.modules()]
    states = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    model.eval()
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            yield
    finally:
        for module, training in modes:
            module.training = training  # not train(): it would undo what was frozen by hand, or freeze what was not
        random.setstate(states[0])
        np.random.set_state(states[1])
