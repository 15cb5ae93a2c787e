"""Checkpoints that a killed process cannot destroy."""

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
    """mmengine's ``CheckpointHook``, with the same arguments, in an order in which a kill at any point leaves a whole checkpoint.

    A checkpoint is written beside (``.part``), brought to the disk and renamed; then ``last_checkpoint`` names it; then the one it
    replaces is removed. mmengine removes first, and writes in place. So do the best checkpoints.

    On every process, before a checkpoint is written, hooks are called with ``before_save_checkpoint_everywhere(runner)`` if they have it.

    Args:
        **kwargs: Of mmengine's hook. With ``backend_args`` of your own files are written as that backend writes them.
    """

    def before_train(self, runner: Runner) -> None:
        if self.backend_args is None and self.file_client_args is None and '://' not in str(self.out_dir or runner.work_dir):
            self.backend_args = dict(backend=WHOLE_FILES)
        super().before_train(runner)
        if is_main_process() and self.backend_args == dict(backend=WHOLE_FILES):
            self._remove_parts(runner)
        if not self.by_epoch and self.interval > 0 and isinstance(runner.train_loop, EpochBasedTrainLoop):
            runner.logger.warning(
                'checkpoints are written every so many iterations (by_epoch=False), but this training counts epochs: resumed from one, '
                'it repeats the epoch from its first batch. Set default_hooks.checkpoint.by_epoch=True'
            )
        counts = getattr(runner.optim_wrapper, '_accumulative_counts', 1)
        batches = self.interval * (len(runner.train_loop.dataloader) if self.by_epoch else 1)
        if self.interval > 0 and batches % counts:
            runner.logger.warning(
                f'checkpoints are written every {batches} batches, and the optimiser steps every {counts}: a training resumed from one '
                f'that lies between two steps lacks the gradients gathered by then. Let {counts} divide '
                + ('the batches of an epoch' if self.by_epoch else 'default_hooks.checkpoint.interval')
            )

    def _remove_parts(self, runner: Runner) -> None:
        """What killed writers left in the folder; each is as large as a checkpoint."""
        for part in Path(self.out_dir).glob(self.filename_tmpl.format('*') + '.*.part'):
            runner.logger.info(f'removed {part}, which was not written to its end')
            part.unlink(missing_ok=True)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        runner.call_hook('before_save_checkpoint_everywhere')
        with self._removals_last(), TemporaryDirectory() as elsewhere:
            super()._save_checkpoint_with_step(_WorksIn(elsewhere, runner), step, meta)  # writes last_checkpoint in place
            if is_main_process():
                write_atomically(Path(runner.work_dir) / 'last_checkpoint', lambda part: part.write_text(self.last_ckpt))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        if self.save_best:
            runner.call_hook('before_save_checkpoint_everywhere')
        with self._removals_last():
            super()._save_best_checkpoint(runner, metrics)

    @contextmanager
    def _removals_last(self) -> Iterator[None]:
        """Carry out at the end, if nothing failed, what is removed in between. Within another such block: at the end of that one."""
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
            if path not in in_use:  # the new one may have the name of the old one
                remove(path)


@register_backend(WHOLE_FILES, force=True)
class WholeFileBackend(LocalBackend):
    """mmengine's local files; what is written appears whole or not at all."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write ``obj`` beside ``filepath`` and rename it, once the disk has it."""

        def write(part: Path) -> None:
            with part.open('wb') as file:
                file.write(obj)
                file.flush()
                os.fsync(file.fileno())

        write_atomically(filepath, write)


class _RemovesLater:
    """A file backend that only notes what it shall remove."""

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
    """A runner with another work dir."""

    def __init__(self, work_dir: str, runner: Runner) -> None:
        self.work_dir, self._runner = work_dir, runner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)
