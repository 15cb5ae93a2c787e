"""How good a step is, and whether that is enough for the next one."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbdg.registry import HOOKS


@HOOKS.register_module()
class VerdictHook(Hook):
    """Write one line at the end of a training or a test: the figure, and whether it is enough to go on.

    Args:
        metric: Name of the figure in the log, e.g. ``mIoU``.
        what: The figure is, for people: ``'% of the held-out images are named right'``.
        enough: From where on it is enough; our rule of thumb.
        otherwise: What to do where it is not.
        less: Small figures are good.
    """

    priority = 'LOWEST'  # behind the hooks that log and save

    def __init__(self, metric: str, what: str, enough: float, otherwise: str, less: bool = False) -> None:
        self.metric, self.what, self.enough, self.otherwise, self.less = metric, what, enough, otherwise, less
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
        """Whether the best checkpoint is the best by this figure."""
        return any(self.metric in (getattr(hook, 'key_indicators', None) or ()) for hook in runner.hooks)

    def _say(self, runner: Runner, figure: float | None) -> None:
        if runner.rank or figure is None:
            return
        good = figure <= self.enough if self.less else figure >= self.enough
        limit = f'{"at most" if self.less else "at least"} {self.enough:g}'
        end = f'enough to go on ({limit})' if good else f'not enough yet ({limit}): {self.otherwise}'
        runner.logger.info(f'{figure:.1f} {self.what}; {end}')
