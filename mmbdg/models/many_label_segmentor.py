"""Segmentor whose predictions of many labels are made in bounded memory."""

from typing import Any

import torch
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch import Tensor

from mmbdg.errors import InputError
from mmbdg.registry import MODELS


@MODELS.register_module()
class ManyLabelSegmentor(EncoderDecoder):
    """``mmseg.EncoderDecoder`` that upsamples the logits of a few labels at a time to the size of the image.

    mmseg upsamples all logits to the original size of the image and takes the largest. With 992 labels, a photo of 12 million pixels needs
    48 GB. Here the labels of the predictions are the same, but the data samples have no ``seg_logits``. Inference by a sliding window is
    mmseg's own.

    Args:
        chunk_numbers: Largest number of upsampled logits of a chunk; a chunk has at least two labels. Default: 2**26, 256 MiB in float32.
        **kwargs: Arguments of ``mmseg.EncoderDecoder``.
    """

    def __init__(self, chunk_numbers: int = 2**26, **kwargs: Any) -> None:
        if chunk_numbers < 1:
            raise InputError(f'chunk_numbers must be at least 1, got {chunk_numbers}')
        super().__init__(**kwargs)
        self.chunk_numbers = chunk_numbers

    def predict(self, inputs: Tensor, data_samples: list[SegDataSample] | None = None) -> list[SegDataSample]:
        """Images float (N,3,H,W) -> data samples with ``pred_sem_seg``, int64 (1,H,W) at the original size of each image."""
        if data_samples is None or self.test_cfg.get('mode', 'whole') != 'whole' or self.out_channels < 3:
            return super().predict(inputs, data_samples)
        logits = self._forward(inputs)
        metas = [sample.metainfo for sample in data_samples]
        for image, (sample, meta) in enumerate(zip(data_samples, metas, strict=True)):
            sample.set_data(dict(pred_sem_seg=PixelData(data=self._labels(logits[image : image + 1], metas[:1], meta)[None])))
        return data_samples

    def _labels(self, logits: Tensor, metas: list[dict], meta: dict) -> Tensor:
        """Labels with the largest logit, int64 (H,W), from the logits of one image, (1,C,h,w)."""
        pixels = max(shape[0] * shape[1] for shape in (meta['ori_shape'], meta.get('pad_shape', meta['img_shape'])))
        step = max(2, self.chunk_numbers // pixels)
        largest = labels = None
        for first in self._starts(logits.shape[1], step):
            last = logits.shape[1] if logits.shape[1] - first <= step + 1 else first + step
            part = self.decode_head.predict_by_feat(logits[:, first:last], metas)
            (made,) = self.postprocess_result(part, [SegDataSample(metainfo=meta)])
            label, values = made.pred_sem_seg.data[0], made.seg_logits.data
            value = values.gather(0, label[None])[0]
            if labels is None:
                largest, labels = value, label
            else:
                better = value > largest
                largest, labels = torch.where(better, value, largest), torch.where(better, label + first, labels)
        return labels

    @staticmethod
    def _starts(labels: int, step: int) -> list[int]:
        """First labels of the chunks; the last chunk has one label more where a chunk of a single label would be left."""
        starts = list(range(0, labels, step))
        return starts[:-1] if len(starts) > 1 and labels - starts[-1] == 1 else starts
