"""Stores the random states of all processes in checkpoints, so that a resumed training draws the same random numbers."""

import random
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from mmbdg.addressed import generator_at
from mmbdg.registry import HOOKS

KEY = 'random_states'


def random_state() -> dict[str, Any]:
    """States of the global generators of Python, numpy, torch and each CUDA device, as tensors, numbers and None only."""
    version, words, next_gauss = random.getstate()
    name, key, position, has_gauss, cached = np.random.get_state()
    return dict(
        python=dict(version=version, words=torch.tensor(words), next_gauss=next_gauss),
        numpy=dict(name=name, key=torch.from_numpy(key.astype(np.int64)), position=position, has_gauss=has_gauss, cached=cached),
        torch=torch.get_rng_state(),
        cuda=[torch.cuda.get_rng_state(device) for device in range(torch.cuda.device_count())],
    )


def set_random_state(state: dict[str, Any]) -> None:
    """Restore a state from :func:`random_state`; its tensors may be on any device. Extra CUDA devices on either machine are ignored."""
    python, numpy = state['python'], state['numpy']
    random.setstate((python['version'], tuple(python['words'].tolist()), python['next_gauss']))
    key = numpy['key'].cpu().numpy().astype(np.uint32)
    np.random.set_state((numpy['name'], key, numpy['position'], numpy['has_gauss'], numpy['cached']))
    torch.set_rng_state(state['torch'].cpu())
    for device, of_device in zip(range(torch.cuda.device_count()), state['cuda'], strict=False):
        torch.cuda.set_rng_state(of_device.cpu(), device)


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Saves the random state of every process in the checkpoints and restores it when the training resumes.

    * The state is restored last, just before the first batch is loaded, so random numbers drawn at start-up have no effect.
    * Validation does not change the state. It runs after the checkpoint is saved, and a resumed training does not repeat it.
    * The data loader draws its workers' seeds from a separate generator, because a resumed training creates one more iterator.
    * If the checkpoint has no states, or those of another number of processes, the hook warns, and every process starts a new random
      stream that depends on the seed, the rank and the iteration. Losses then differ from an uninterrupted run within the training's noise.

    The random states of data loader workers are not stored: mmengine seeds workers whenever they start.
    :class:`~mmbdg.engine.SafeCheckpointHook` collects the states of all processes; with another checkpoint hook and several processes, no
    states are stored.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self._loaded: list[dict] | None = None
        self._gathered: list[dict] | None = None
        self._before_val: dict | None = None
        self._loader_generator = torch.Generator()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._loaded = checkpoint.get(KEY)

    def before_train(self, runner: Runner) -> None:
        if getattr(runner.train_loop.dataloader, 'generator', self) is None:
            runner.train_loop.dataloader.generator = self._loader_generator
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            self._restore(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        self._loader_generator.manual_seed(_seed('workers', runner, runner.epoch))
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):  # an iteration-based loop calls this once, at start-up
            self._restore(runner)

    def _restore(self, runner: Runner) -> None:
        loaded, self._loaded = self._loaded, None
        if not runner.iter:
            return  # a new training, not a resumed one
        if loaded is not None and len(loaded) == runner.world_size:
            set_random_state(loaded[runner.rank])
            return
        found = 'none' if loaded is None else f'those of {len(loaded)} processes'
        runner.logger.warning(
            f'the checkpoint has no random states for {runner.world_size} processes ({found}): the training continues with new random '
            'streams, and its losses will differ from those of an uninterrupted one'
        )
        seed = _seed('resumed', runner, runner.iter)
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def before_val(self, runner: Runner) -> None:
        self._before_val = random_state()

    def after_val(self, runner: Runner) -> None:
        set_random_state(self._before_val)
        self._before_val = None

    def before_save_checkpoint_everywhere(self, runner: Runner) -> None:
        """Called on every process before a checkpoint is written; ``before_save_checkpoint`` is called on rank 0 only."""
        self._gathered = all_gather_object(self._before_val or random_state())

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if runner.world_size == 1:
            self._gathered = [self._before_val or random_state()]
        if self._gathered is not None:
            checkpoint[KEY], self._gathered = self._gathered, None


def _seed(what: str, runner: Runner, step: int) -> int:
    return int(generator_at(f'random state of {what}', runner.seed, runner.rank, step).integers(2**32))
