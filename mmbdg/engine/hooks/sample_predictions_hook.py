"""Pictures of what a segmentation model predicts."""

from pathlib import Path

import numpy as np
from mmengine.runner import Runner

from mmbdg.engine.hooks.fixed_samples import (
    LabelledItem,
    predicted_mask,
    real_items,
    synthetic_dataset,
    synthetic_items,
    validation_items,
)
from mmbdg.engine.hooks.periodic_hook import PeriodicHook
from mmbdg.errors import InputError
from mmbdg.registry import HOOKS
from mmbdg.visualization.contact_sheet import grid, overlay, resized, save_picture, thumbnail


@HOOKS.register_module()
class SamplePredictionsHook(PeriodicHook):
    """Draws predictions for fixed images, with the columns image, true mask, predicted mask.

    Up to three pictures: ``predictions`` for the validation set; ``predictions_synthetic`` for the synthetic images of the training set,
    augmented as in training; and, in a joint training without a validation set, ``predictions_real`` for real images of the training set,
    without true masks. They go to the visualizer every ``interval`` iterations, and to the work dir as PNG at the end.

    Args:
        interval: Iterations between two pictures; None: at the end only.
        num_samples: Number of samples per picture (rows x blocks), evenly spread over the dataset.
        blocks: Number of samples side by side.
        side: Approximate long side of an image in the picture, in pixels.

    Raises:
        InputError: (before the training) there are no samples to predict.
    """

    def __init__(self, interval: int | None = None, num_samples: int = 20, blocks: int = 4, side: int = 128) -> None:
        super().__init__(interval)
        self.num_samples, self.blocks, self.side = num_samples, blocks, side

    def prepare(self, runner: Runner) -> None:
        items = dict(
            predictions=validation_items(runner, self.num_samples), predictions_synthetic=synthetic_items(runner, self.num_samples)
        )
        if not items['predictions']:
            items['predictions_real'] = real_items(runner, self.num_samples)
        self._items = {name: some for name, some in items.items() if some}
        if not self._items:
            raise InputError('SamplePredictionsHook finds no masks: it needs a val_dataloader or a training set of synthetic images')

    def look(self, runner: Runner, step: int) -> None:
        self._pictures = {name: self._picture(runner, items) for name, items in self._items.items()}
        for name, picture in self._pictures.items():
            runner.visualizer.add_image(name, picture, step)

    def after_train(self, runner: Runner) -> None:
        super().after_train(runner)
        if runner.rank:
            return
        for name, picture in self._pictures.items():
            path = Path(runner.work_dir) / f'{name}.png'
            save_picture(path, picture)
            runner.logger.info(f'{path}: image, true mask where there is one, predicted mask')

    def _picture(self, runner: Runner, items: list[LabelledItem]) -> np.ndarray:
        palette = _palette(runner)
        tiles = []
        for item in items:
            predicted = predicted_mask(runner, item)
            image = resized(item.inputs.permute(1, 2, 0).cpu().numpy()[..., ::-1], predicted.shape)
            tiles.append(image_tile := thumbnail(image, predicted, self.side)[0])
            for mask in (item.truth, predicted):
                if mask is not None:
                    tiles.append(overlay(image_tile, thumbnail(image, mask, self.side)[1], palette))
        return grid(tiles, columns=self.blocks * len(tiles) // len(items))


def _palette(runner: Runner) -> list:
    source = synthetic_dataset(runner) if runner.val_loop is None else runner.val_loop.dataloader.dataset
    return source.metainfo['palette']
