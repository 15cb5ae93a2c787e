"""Endless sampler for detectors: each batch contains only upright or only wide images."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import BaseDataset, ConcatDataset, InfiniteSampler

from mmbdg.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class AspectRatioSampler(InfiniteSampler):
    """``InfiniteSampler`` whose indices come in groups of ``batch_size`` with one orientation (width < height, or not), for less padding.

    Same grouping as Detectron2's ``ASPECT_RATIO_GROUPING``. ``mmdet.AspectRatioBatchSampler`` gives the same batches, but on resume
    mmengine would load all earlier images again, because it can only skip ahead in a sampler. This sampler loads no image.

    Args:
        dataset: mmdet dataset whose data infos have ``width`` and ``height``.
        batch_size: Batch size of the data loader, per process.
        **kwargs: Arguments of mmengine's ``InfiniteSampler``.
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
