"""Reports when the queue of a contrastive method is full, so that its losses can be compared."""

from pathlib import Path

import numpy as np
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.files import write_json
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class QueueReportHook(Hook):
    """Logs when the queue has been filled once, and how the losses changed from then to the end.

    A queue loaded from a checkpoint is full from the start.

    A contrastive loss against a queue of random vectors is low; it rises while real keys, which are harder negatives, replace them.
    Losses of different iterations are comparable only after ``queue_len / total batch size`` iterations.

    Args:
        window: Number of iterations that are averaged, after the queue is full and before the end.
        filename: JSON file in the work dir with both averages of each loss.
    """

    priority = 'LOW'

    def __init__(self, window: int = 20, filename: str = 'losses.json') -> None:
        self.window, self.filename = window, filename

    def fill(self, runner: Runner) -> int:
        """Number of iterations until the queue contains no random vector."""
        if runner.cfg.get('load_from') and not runner.cfg.get('resume'):
            return 0
        model = get_ori_model(runner.model)
        return -(-model.queue_len // (runner.train_dataloader.batch_size * get_world_size()))

    def before_train(self, runner: Runner) -> None:
        if runner.iter < (fill := self.fill(runner)):
            runner.logger.info(
                f'the contrastive losses rise until the queue has been filled once, at iteration {fill}; compare them from there on'
            )

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None) -> None:
        if runner.iter + 1 == self.fill(runner):
            runner.logger.info(f'iteration {runner.iter + 1}: the queue has been filled once; losses are comparable from here to the end')

    def after_train(self, runner: Runner) -> None:
        fill = self.fill(runner)
        if runner.rank or runner.iter < fill + 2 * self.window:
            return
        report = {}
        for name, history in runner.message_hub.log_scalars.items():
            if name.startswith('train/') and 'loss' in name:
                values = np.asarray(history.data[0][fill:])
                start, end = values[: self.window].mean(), values[-self.window :].mean()
                report[name.removeprefix('train/')] = dict(after_fill=round(float(start), 4), end=round(float(end), 4))
        write_json(Path(runner.work_dir) / self.filename, dict(fill=fill, iterations=runner.iter, window=self.window, losses=report))
        moved = ', '.join(f'{name} {value["after_fill"]:.3f} -> {value["end"]:.3f}' for name, value in report.items())
        runner.logger.info(f'from the filled queue (iteration {fill}) to the end (iteration {runner.iter}): {moved}')
