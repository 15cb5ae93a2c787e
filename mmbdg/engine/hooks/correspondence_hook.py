"""Visualises dense correspondence between two views during training."""

import numpy as np
from mmengine.runner import Runner
from mmpretrain.utils import get_ori_model
from torch import Tensor, nn

from mmbdg.engine.hooks.fixed_samples import fixed_views, view_preprocessor
from mmbdg.engine.hooks.periodic_hook import PeriodicHook
from mmbdg.errors import InputError
from mmbdg.registry import HOOKS
from mmbdg.visualization.contact_sheet import grid
from mmbdg.visualization.correspondence import best_matches, draw_matches


@HOOKS.register_module()
class CorrespondenceHook(PeriodicHook):
    """Draws dense correspondence by DenseCL's rule on fixed pairs of views: picture ``correspondence`` of the visualizer.

    A line connects each cell of the backbone's last feature map of view 1 with the cell of view 2 that has the most similar features.
    Scalars: ``correspondence/similarity``, the mean cosine similarity of the matches, and ``correspondence/distinct``, the number of
    matched cells of view 2 (see :class:`~mmbdg.visualization.correspondence.Matches`). The hook also runs before the first iteration.

    Args:
        interval: Iterations between two runs; None: at the start and at the end only.
        num_pairs: Number of real images, evenly spread over the training set; at least 1.
        columns: Number of pairs side by side.

    Raises:
        InputError: ``num_pairs`` is below 1, or (before the training) the samples are not two views, or the backbone gives no feature maps.
    """

    def __init__(self, interval: int | None = None, num_pairs: int = 6, columns: int = 2) -> None:
        super().__init__(interval, at_start=True)
        if num_pairs < 1:
            raise InputError(f'num_pairs of CorrespondenceHook must be at least 1, got {num_pairs}')
        self.num_pairs, self.columns = num_pairs, columns

    def prepare(self, runner: Runner) -> None:
        self._views = fixed_views(runner, self.num_pairs)

    def look(self, runner: Runner, step: int) -> None:
        backbone = get_ori_model(runner.model).backbone
        ((first, second),) = self._views.batches(view_preprocessor(runner), self.num_pairs)
        maps = [_last_map(backbone, view) for view in (first, second)]
        matches = best_matches(*maps)
        pictures = [
            draw_matches(*pair, cells, maps[1].shape[2:])
            for *pair, cells in zip(*map(_rgb, self._views), matches.cells.cpu().numpy(), strict=True)
        ]
        runner.visualizer.add_image('correspondence', grid(pictures, self.columns, gap=6), step)
        scalars = {'correspondence/similarity': matches.similarities.mean().item(), 'correspondence/distinct': matches.distinct}
        runner.visualizer.add_scalars(scalars, step)


def _rgb(views: Tensor) -> np.ndarray:
    return views.flip(1).permute(0, 2, 3, 1).numpy()


def _last_map(backbone: nn.Module, images: Tensor) -> Tensor:
    """Images float (N,3,H,W) -> last feature map float (N,C,H',W'); for a ViT the patch tokens, for any ``out_type``."""
    usual = vars(backbone).get('out_type')
    if usual is not None:
        backbone.out_type = 'featmap'
    try:
        last = backbone(images)[-1]
    finally:
        if usual is not None:
            backbone.out_type = usual
    if last.ndim != 4:
        raise InputError(
            f'CorrespondenceHook needs feature maps (N,C,H,W), {type(backbone).__name__} gives {tuple(last.shape)}: remove the hook'
        )
    return last.float()
