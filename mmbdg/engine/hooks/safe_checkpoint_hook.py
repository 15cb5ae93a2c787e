"""Checkpoint hook that leaves a complete checkpoint even if the process is killed while saving."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmbdg.files import write_atomically
from mmbdg.registry import HOOKS

WHOLE_FILES = 'mmbdg_whole_files'


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook`` with the same arguments, but safe against a kill at any point.

    A checkpoint is written to a ``.part`` file, synced to disk and renamed; then ``last_checkpoint`` is updated; then the old checkpoint is
    removed. mmengine removes first and writes in place. Best checkpoints are saved in the same safe order.

    Before a checkpoint is written, ``before_save_checkpoint_everywhere(runner)`` of all hooks that have it is called on every process.

    Args:
        **kwargs: Arguments of mmengine's hook. If ``backend_args`` is set, that backend writes the files.
    """

    def before_train(self, runner: Runner) -> None:
        if self.backend_args is None and self.file_client_args is None and '://' not in str(self.out_dir or runner.work_dir):
            self.backend_args = dict(backend=WHOLE_FILES)
        super().before_train(runner)
        if is_main_process() and self.backend_args == dict(backend=WHOLE_FILES):
            self._remove_parts(runner)
        if not self.by_epoch and self.interval > 0 and isinstance(runner.train_loop, EpochBasedTrainLoop):
            runner.logger.warning(
                'checkpoints are written by iterations (by_epoch=False), but this training counts epochs: a training resumed from one '
                'repeats the epoch from its first batch. Set default_hooks.checkpoint.by_epoch=True'
            )
        counts = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        batches = self.interval * (len(runner.train_loop.dataloader) if self.by_epoch else 1)
        if self.interval > 0 and batches % counts:
            runner.logger.warning(
                f'checkpoints are written every {batches} batches, but the optimiser steps every {counts}: a training resumed from a '
                f'checkpoint between two steps loses the accumulated gradients. Choose a multiple of {counts} for '
                + ('the batches of an epoch' if self.by_epoch else 'default_hooks.checkpoint.interval')
            )

    def _remove_parts(self, runner: Runner) -> None:
        """Remove incomplete files of killed processes; each may be as large as a checkpoint."""
        for part in Path(self.out_dir).glob(self.filename_tmpl.format('*') + '.*.part'):
            runner.logger.info(f'removed {part}, which was incomplete')
            part.unlink(missing_ok=True)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        runner.call_hook('before_save_checkpoint_everywhere')
        with self._removals_last(), TemporaryDirectory() as elsewhere:
            super()._save_checkpoint_with_step(_WorksIn(elsewhere, runner), step, meta)  # mmengine would write last_checkpoint in place
            if is_main_process():
                write_atomically(Path(runner.work_dir) / 'last_checkpoint', lambda part: part.write_text(self.last_ckpt))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if self.save_best:
            runner.call_hook('before_save_checkpoint_everywhere')
        with self._removals_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removals_last(self) -> Iterator[None]:
        """Delay removals to the end of the block, if nothing failed. Nested blocks delay them to the end of the outermost block."""
        if isinstance(self.file_backend, _RemovesLater):
            yield
            return
        backend = self.file_backend
        self.file_backend = later = _RemovesLater(backend)
        try:
            yield
        finally:
            self.file_backend = backend
        in_use = {self.last_ckpt, getattr(self, 'best_ckpt_path', None), *getattr(self, 'best_ckpt_path_dict', {}).values()}
        for remove, path in later.removals:
            if path not in in_use:  # the new checkpoint may have the name of the old one
                remove(path)


@register_backend(WHOLE_FILES, force=True)
class WholeFileBackend(LocalBackend):
    """mmengine's local file backend with atomic writes."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``obj`` to a temporary file beside ``filepath``, sync it to disk and rename it."""

        def write(part: Path) -> None:
            with part.open('wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())

        write_atomically(filepath, write)


class _RemovesLater:
    """File backend that records removals instead of executing them."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.removals = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        self.removals.append((self.backend.remove, path))

    def rmtree(self, path: str) -> None:
        self.removals.append((self.backend.rmtree, path))


class _WorksIn:
    """Proxy of a runner with another work dir."""

    def __init__(self, work_dir: str, runner: Runner) -> None:
        self.work_dir, self._runner = work_dir, runner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)
