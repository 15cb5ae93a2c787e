"""Pictures of what a segmentation model predicts."""

from pathlib import Path

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner

from mmbdg.analysis.contact_sheet import grid, overlay, save_picture
from mmbdg.registry import HOOKS


@HOOKS.register_module()
class SamplePredictionsHook(Hook):
    """At the end of a training write ``<work_dir>/predictions.png``: columns image, true mask, predicted mask, for evenly spread samples.

    Args:
        num_samples: Rows x blocks; samples of the validation set.
        blocks: Samples side by side.
        filename: In the work dir.
    """

    priority = 'LOW'

    def __init__(self, num_samples: int = 20, blocks: int = 4, filename: str = 'predictions.png') -> None:
        self.num_samples, self.blocks, self.filename = num_samples, blocks, filename

    @torch.no_grad()
    def after_train(self, runner: Runner) -> None:
        if runner.rank:
            return
        dataset = runner.val_loop.dataloader.dataset
        chosen = np.linspace(0, len(dataset) - 1, min(self.num_samples, len(dataset))).astype(int)
        items = [dataset[int(i)] for i in chosen]
        was_training = runner.model.training
        runner.model.eval()
        predictions = runner.model.val_step(FUNCTIONS.get('pseudo_collate')(items))
        runner.model.train(was_training)
        palette = dataset.metainfo['palette']
        tiles = []
        for item, prediction in zip(items, predictions, strict=True):
            predicted, truth = (prediction.get(key).data.squeeze(0).cpu().numpy() for key in ('pred_sem_seg', 'gt_sem_seg'))
            image = _resized(item['inputs'].permute(1, 2, 0).numpy()[..., ::-1], truth.shape)
            tiles += [image, overlay(image, truth, palette), overlay(image, predicted, palette)]
        path = Path(runner.work_dir) / self.filename
        save_picture(path, grid(tiles, columns=3 * self.blocks), scale=max(1, 64 // tiles[0].shape[0]))
        runner.logger.info(f'predictions (image, true mask, predicted mask) are in {path}')


def _resized(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(shape[::-1], Image.Resampling.BILINEAR))
