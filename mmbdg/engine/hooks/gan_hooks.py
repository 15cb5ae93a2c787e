"""Hooks for GAN trainings: statistics of the averaged generator, and sample pictures."""

import copy
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.generators import ClassConditionalGenerator, to_pixels
from mmbdg.models.conditional_gan import ConditionalGAN, refresh_statistics
from mmbdg.registry import HOOKS
from mmbdg.sources.latents import generator_inputs
from mmbdg.sources.truncation import select_statistics
from mmbdg.visualization.contact_sheet import grid, save_picture


def _gan(runner: Runner) -> ConditionalGAN:
    return get_ori_model(runner.model)


@HOOKS.register_module()
class RefreshAverageHook(Hook):
    """Re-estimates batch-norm statistics and spectral norms of the averaged generator before it is validated or saved.

    Args:
        num_samples: Number of samples for the statistics, spread evenly over the classes.
    """

    priority = 'VERY_HIGH'

    def __init__(self, num_samples: int = 2048) -> None:
        self.num_samples = num_samples

    def _refresh(self, runner: Runner) -> None:
        gan = _gan(runner)
        gan.refresh_average([i % gan.generator.num_classes for i in range(self.num_samples)])

    def before_val_epoch(self, runner: Runner) -> None:
        self._refresh(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        self._refresh(runner)
        # On a GPU the checkpoint holds CPU copies made before the refresh.
        average = _gan(runner).generator_ema.state_dict(prefix='generator_ema.')
        checkpoint['state_dict'].update({key: value.cpu() for key, value in average.items()})


@HOOKS.register_module()
class GeneratedSamplesHook(Hook):
    """Writes sample pictures to ``<work_dir>/samples/``: one row per class, the same latents every time.

    A picture is written after each validation. Before the first validation, pictures are written after ``first_after`` seconds, and then at
    doubled intervals, independent of the speed of the machine. Writing a picture does not change the training.

    Args:
        per_class: Number of samples per row.
        max_classes: Maximum number of rows.
        truncation: Truncation of the latents; None: no truncation.
        first_after: Seconds of training until the first picture; None: after validations only.
        num_samples: Number of samples for the batch-norm statistics of pictures before the first validation.
    """

    def __init__(
        self,
        per_class: int = 12,
        max_classes: int = 16,
        truncation: dict | float | None = None,
        first_after: float | None = 120,
        num_samples: int = 512,
    ) -> None:
        self.per_class, self.max_classes, self.truncation = per_class, max_classes, truncation
        self.num_samples, self._wait, self._begun = num_samples, first_after, 0.0

    def before_train(self, runner: Runner) -> None:
        self._begun = time.monotonic()

    def after_train_iter(self, runner: Runner, *_: Any, **__: Any) -> None:
        if runner.rank or self._wait is None or time.monotonic() - self._begun < self._wait:
            return
        self._wait *= 2
        generator = copy.deepcopy(_gan(runner).generator_ema.module).eval()
        refresh_statistics(generator, [i % generator.num_classes for i in range(self.num_samples)])
        self._draw(runner, generator)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if not runner.rank:
            self._wait = None  # from now on, pictures are written after validations only
            self._draw(runner, _gan(runner).generator_ema.module)

    @torch.no_grad()
    def _draw(self, runner: Runner, generator: ClassConditionalGenerator) -> None:
        select_statistics(generator, self.truncation)
        images: list[np.ndarray] = []
        for c in range(min(self.max_classes, generator.num_classes)):
            pixels = to_pixels(generator(*generator_inputs(generator, 0, [c] * self.per_class, range(self.per_class), self.truncation)))
            images += list(pixels.permute(0, 2, 3, 1).cpu().numpy())
        out = Path(runner.work_dir) / 'samples' / f'iter_{runner.iter:06d}.png'
        save_picture(out, grid(images, self.per_class))
        runner.logger.info(f'samples are in {out}')
