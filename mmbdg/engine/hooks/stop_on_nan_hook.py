"""Stops a training whose loss is NaN or infinite, and saves the batch that caused it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.structures import BaseDataElement
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.files import write_atomically
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class StopOnNaNHook(Hook):
    """Stops all processes when a loss of one of them is NaN or infinite, before another hook writes a checkpoint.

    Each process saves ``<work_dir>/nan_iter_<iteration>_rank<rank>.pth`` with ``iter``, ``losses`` (name: number) and ``batch``, the batch
    of the data loader as plain tensors, numbers and strings, readable with ``torch.load(..., weights_only=True)``.

    Weights can become non-finite although all losses were finite (gradients may overflow), so parameters are checked before each save.

    Raises:
        InputError: A loss, or a parameter that was about to be saved, is not finite.
    """

    priority = 'VERY_HIGH'

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict | None = None) -> None:
        losses = {name: torch.as_tensor(value).detach().sum().item() for name, value in (outputs or {}).items() if 'loss' in name}
        bad = {name: value for name, value in losses.items() if not np.isfinite(value)}
        anywhere = torch.tensor(float(bool(bad)))
        all_reduce(anywhere, 'max')  # gradients are shared, so the weights of all processes are affected
        if not anywhere:
            return
        path = Path(runner.work_dir).absolute() / f'nan_iter_{runner.iter + 1}_rank{runner.rank}.pth'
        content = dict(iter=runner.iter + 1, losses=losses, batch=plain(data_batch))
        write_atomically(path, lambda part: torch.save(content, part))
        what = ', '.join(f'{name} = {value}' for name, value in bad.items()) or 'a loss of another process is not finite'
        raise InputError(f'iteration {runner.iter + 1}: {what}. The batch is saved in {path}. {self._advice(runner)}')

    def before_save_checkpoint_everywhere(self, runner: Runner) -> None:
        """Refuse to save parameters that are not finite."""
        for name, parameter in runner.model.named_parameters():
            if not parameter.isfinite().all():
                raise InputError(f'the losses are finite, but {name} is not, so no checkpoint is written. {self._advice(runner)}')

    @staticmethod
    def _advice(runner: Runner) -> str:
        last = runner.message_hub.runtime_info.get('last_ckpt')
        good = f'The last good checkpoint is {last}. A training resumed from it reaches' if last else 'A restarted training reaches'
        return (
            f'{good} the same batch: first check its images and labels, then try a lower learning rate (optim_wrapper.optimizer.lr), '
            'gradient clipping (optim_wrapper.clip_grad.max_norm=10), or no --amp'
        )


def plain(value: Any) -> Any:
    """Convert a batch to CPU tensors, numbers, strings, dicts and lists; data samples become dicts, other objects their ``repr``."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(value.copy())
    if isinstance(value, np.generic):
        return plain(value.item())
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, BaseDataElement):
        return {name: plain(part) for name, part in (*value.metainfo_items(), *value.items())}
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(part) for part in value]
    return repr(value)
