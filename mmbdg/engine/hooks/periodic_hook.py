"""Base class of hooks that inspect a model at regular intervals during training."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.errors import InputError
from mmbdg.models.undisturbed import undisturbed


class PeriodicHook(Hook):
    """Inspects the model every ``interval`` iterations and at the end of the training, without changing the training.

    Only rank 0 runs the hook, in evaluation mode and without gradients. A subclass must therefore not call collective operations, which
    the losses of mmpretrain's methods contain.

    Args:
        interval: Iterations between two runs, also in an epoch-based training; None: at the end only.
        at_start: Also run before the first iteration (not when a training resumes).

    Raises:
        InputError: ``interval`` is not positive.
    """

    priority = 'LOW'

    def __init__(self, interval: int | None = None, at_start: bool = False) -> None:
        if interval is not None and interval < 1:
            raise InputError(f'interval of {type(self).__name__} must be a number of iterations, at least 1, or None (at the end only)')
        self.interval, self.at_start = interval, at_start
        self._seen = -1  # step of the last run

    def prepare(self, runner: Runner) -> None:
        """Collect the samples before the training; raises if something is missing."""

    def look(self, runner: Runner, step: int) -> None:
        """Inspect the model and write the results; ``step`` is the number of iterations done."""
        raise NotImplementedError  # abstract

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
