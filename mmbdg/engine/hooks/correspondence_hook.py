"""Which places of two views look the same to the backbone, while it trains."""

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
    """Dense correspondence by DenseCL's rule on the same pairs of views every time: picture ``correspondence`` of the visualizer.

    From each cell of the backbone's last map of view 1 a line leads to the cell of view 2 with the most similar features. Scalars:
    ``correspondence/similarity``, the mean cosine of the matches, and ``correspondence/distinct``, how many cells of view 2 are matched at
    all (see :class:`~mmbdg.visualization.correspondence.Matches`). Also before the first iteration.

    Args:
        interval: Iterations; None: at the start and at the end only.
        num_pairs: Real images of the training set, evenly spread.
        columns: Pairs side by side.

    Raises:
        InputError: There is no pair, or (before the training) the items are no two views, or the backbone has no maps.
    """

    def __init__(self, interval: int | None = None, num_pairs: int = 6, columns: int = 2) -> None:
        super().__init__(interval, at_start=True)
        if num_pairs < 1:
            raise InputError(f'num_pairs of CorrespondenceHook is at least 1, got {num_pairs}')
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
    """Images float (N,3,H,W) -> float (N,C,H',W'); of a ViT the patches' tokens, whatever the method takes of it."""
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
            f'CorrespondenceHook needs maps (N,C,H,W), {type(backbone).__name__} gives {tuple(last.shape)}: leave the hook out'
        )
    return last.float()
