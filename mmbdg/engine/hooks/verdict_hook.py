"""Logs the final metric of a step and whether it is good enough for the next step."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.own_images.judgement import judged
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class VerdictHook(Hook):
    """Logs one line at the end of a training or test: the metric's value, and whether it is good enough to continue.

    Args:
        metric: Name of the metric in the log, e.g. ``mIoU``.
        what: Text after the value, e.g. ``'% of the held-out images are classified correctly'``.
        enough: Threshold from which the value is good enough; a rule of thumb.
        otherwise: Advice if the value is not good enough.
        less: True if smaller values are better.
        poor: Value beyond which the next step is not worth its time; default None: there is none.
        follows: What a value that is not good enough does to the next steps; default: nothing is said.
    """

    priority = 'LOWEST'  # runs after the hooks that log and save

    def __init__(
        self, metric: str, what: str, enough: float, otherwise: str, less: bool = False, poor: float | None = None, follows: str = ''
    ) -> None:
        self.metric, self.what, self.enough, self.otherwise, self.less = metric, what, enough, otherwise, less
        self.poor, self.follows = poor, follows
        self._last: float | None = None

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._last = (metrics or {}).get(self.metric, self._last)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._say(runner, (metrics or {}).get(self.metric))

    def after_train(self, runner: Runner) -> None:
        info = runner.message_hub.runtime_info
        best = info.get('best_score') if info.get('best_ckpt') and self._chosen_by(runner) else None
        self._say(runner, self._last if best is None else best)

    def _chosen_by(self, runner: Runner) -> bool:
        """Whether the best checkpoint was selected by this metric."""
        return any(self.metric in (getattr(hook, 'key_indicators', None) or ()) for hook in runner.hooks)

    def _say(self, runner: Runner, figure: float | None) -> None:
        if runner.rank or figure is None:
            return
        runner.logger.info(judged(figure, self.what, self.enough, self.otherwise, self.less, self.poor, self.follows))
