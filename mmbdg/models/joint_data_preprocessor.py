"""A data preprocessor for each part of a joint batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from torch import nn

from mmbdg.errors import InputError
from mmbdg.parts import differing_parts, main_part, named_parts, part_of
from mmbdg.registry import MODELS


@MODELS.register_module()
class JointDataPreprocessor(BaseDataPreprocessor):
    """Passes each part of a batch of :class:`~mmbdg.datasets.JointDataset` to the data preprocessor of the same name.

    A batch without parts (validation, test) goes to the preprocessor ``plain``.

    Args:
        ssl: Config of the preprocessor of real views, e.g. ``mmpretrain.SelfSupDataPreprocessor``. The same as ``parts=dict(ssl=...)``.
        seg: Config of the preprocessor of labelled images, e.g. ``mmseg.SegDataPreProcessor``. The same as ``parts=dict(seg=...)``.
        non_blocking: Whether images in pinned memory are copied to the GPU asynchronously; default True.
        parts: Configs of preprocessors by the name of the part.
        plain: Name of the part whose preprocessor takes batches without parts; default: "seg" if there is one, otherwise the first part.

    Raises:
        InputError: Parts are wrong, see :mod:`mmbdg.parts`; ``plain`` is no part; (in ``forward``) the batch has other parts.
    """

    def __init__(
        self,
        ssl: dict | None = None,
        seg: dict | None = None,
        non_blocking: bool = True,
        parts: Mapping[str, dict | None] | None = None,
        plain: str | None = None,
    ) -> None:
        super().__init__(non_blocking)
        configs = named_parts('JointDataPreprocessor', ssl, seg, parts)
        self.parts = nn.ModuleDict({name: MODELS.build(config) for name, config in configs.items()})
        self.plain = main_part(configs) if plain is None else plain
        if self.plain not in configs:
            raise InputError(f'JointDataPreprocessor: plain="{plain}" is no part, there are {", ".join(configs)}')

    @property
    def ssl(self) -> nn.Module | None:
        """The preprocessor of the part "ssl"; None if there is no such part."""
        return part_of(self, 'ssl')

    @property
    def seg(self) -> nn.Module | None:
        """The preprocessor of the part "seg"; None if there is no such part."""
        return part_of(self, 'seg')

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        """Preprocess a batch: dicts ``inputs`` and ``data_samples`` by part -> the same dicts with the outputs of the preprocessors."""
        if not isinstance(data['inputs'], dict):
            return self.parts[self.plain](data, training)
        if problem := differing_parts(data['inputs'], 'the batch', self.parts, type(self).__name__):
            raise InputError(problem)
        ready = {}
        for name, preprocessor in self.parts.items():
            part = _one_batch(data['inputs'][name], data['data_samples'][name])
            if not getattr(preprocessor, 'takes_addresses', False):  # addresses are read on the CPU
                part = self.cast_data(part)
            ready[name] = preprocessor(part, training)
        return {key: {name: part[key] for name, part in ready.items()} for key in ('inputs', 'data_samples')}


def _one_batch(inputs: Any, data_samples: list | None) -> dict[str, Any]:
    """Concatenate the batches of a part: with a ratio of k the dataloader gives k batches."""
    if data_samples and isinstance(data_samples[0], list | tuple):
        inputs, data_samples = _joined(inputs), [sample for batch in data_samples for sample in batch]
    return dict(inputs=inputs, data_samples=data_samples)


def _joined(batches: Sequence[Any]) -> Any:
    """Concatenated batches. Several views are concatenated view by view."""
    if isinstance(batches[0], list | tuple):
        return [_joined(views) for views in zip(*batches, strict=True)]
    return torch.cat(list(batches))
