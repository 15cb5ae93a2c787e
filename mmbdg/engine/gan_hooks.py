"""What a GAN needs around its validation and its checkpoints."""

from pathlib import Path

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model

from mmbdg.analysis.contact_sheet import grid, save_picture
from mmbdg.generators import to_pixels
from mmbdg.models.conditional_gan import ConditionalGAN
from mmbdg.registry import HOOKS
from mmbdg.synthesis.latents import generator_inputs
from mmbdg.synthesis.truncation import select_statistics


def _gan(runner: Runner) -> ConditionalGAN:
    return get_ori_model(runner.model)


@HOOKS.register_module()
class RefreshAverageHook(Hook):
    """Re-estimate batch-norm statistics and spectral norms of the averaged generator before it is judged or saved.

    Args:
        num_samples: Samples the statistics are taken over, spread evenly over the classes.
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
        # On a GPU the checkpoint holds copies from before.
        average = _gan(runner).generator_ema.state_dict(prefix='generator_ema.')
        checkpoint['state_dict'].update({key: value.cpu() for key, value in average.items()})


@HOOKS.register_module()
class GeneratedSamplesHook(Hook):
    """After each validation write a picture: one row a class, the same addresses every time, to ``<work_dir>/samples/``.

    Args:
        per_class: Samples a row.
        max_classes: Rows.
        truncation: Of the latents.
    """

    def __init__(self, per_class: int = 12, max_classes: int = 16, truncation: dict | float | None = None) -> None:
        self.per_class, self.max_classes, self.truncation = per_class, max_classes, truncation

    @torch.no_grad()
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if runner.rank:
            return
        generator = _gan(runner).generator_ema.module
        select_statistics(generator, self.truncation)
        images: list[np.ndarray] = []
        for c in range(min(self.max_classes, generator.num_classes)):
            pixels = to_pixels(generator(*generator_inputs(generator, 0, [c] * self.per_class, range(self.per_class), self.truncation)))
            images += list(pixels.permute(0, 2, 3, 1).cpu().numpy())
        save_picture(Path(runner.work_dir) / 'samples' / f'iter_{runner.iter:06d}.png', grid(images, self.per_class))
