"""Endless order of a detector's training images in which each batch is all upright or all wide."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import BaseDataset, ConcatDataset, InfiniteSampler

from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class AspectRatioSampler(InfiniteSampler):
    """``InfiniteSampler`` whose every ``batch_size`` indices have one orientation (width < height, or not): batches need less padding.

    Detectron2 groups so (``ASPECT_RATIO_GROUPING``). ``mmdet.AspectRatioBatchSampler`` gives the same batches, but a training cannot
    resume with it unless all images before are loaded again: mmengine goes forward in samplers only. No image is loaded here.

    Args:
        dataset: mmdet's, whose data infos have ``width`` and ``height``.
        batch_size: The data loader's, of one process.
        **kwargs: As mmengine's ``InfiniteSampler``.
    """

    def __init__(self, dataset: BaseDataset | ConcatDataset, batch_size: int, **kwargs: Any) -> None:
        self.batch_size = batch_size
        self._upright: dict[int, bool] = {}
        super().__init__(dataset, **kwargs)

    def _indices_of_rank(self) -> Iterator[int]:
        waiting: dict[bool, list[int]] = {True: [], False: []}
        for index in super()._indices_of_rank():
            group = waiting[self._is_upright(index)]
            group.append(index)
            if len(group) == self.batch_size:
                yield from group
                group.clear()

    def _is_upright(self, index: int) -> bool:
        if index not in self._upright:
            info = self.dataset.get_data_info(index)
            self._upright[index] = info['width'] < info['height']
        return self._upright[index]
