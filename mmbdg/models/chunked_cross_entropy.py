"""Cross-entropy of many labels in bounded memory."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx

from mmbdg.errors import InputError
from mmbdg.registry import MODELS

EPS = torch.finfo(torch.float32).eps


@MODELS.register_module()
class ChunkedCrossEntropy(nn.Module):
    """Softmax cross-entropy over pixels, computed for a few pixels at a time; a ``loss_decode`` of mmseg's heads.

    Value and gradient are those of ``torch.nn.functional.cross_entropy`` (except for rounding). torch keeps the logarithms of the softmax
    and makes a gradient, each of the size of the logits. Here the forward pass computes the gradient chunk by chunk; only the gradient has
    the size of the logits. With 992 labels and 16 crops of 512 px the logits take 0.26 GB at stride 8 and 16.6 GB at stride 1.

    Args:
        loss_weight: Factor of the loss. Default: 1.0.
        avg_non_ignore: Whether the mean is over pixels that are not ignored, as in torch. Default: False, over all pixels, as in mmseg.
        chunk_numbers: Largest number of logits of a chunk. Default: 2**22, 16 MiB in float32.
        loss_name: Name of the loss in logs. Default: "loss_ce", as in mmseg.
    """

    def __init__(
        self, loss_weight: float = 1.0, avg_non_ignore: bool = False, chunk_numbers: int = 2**22, loss_name: str = 'loss_ce'
    ) -> None:
        super().__init__()
        if chunk_numbers < 1:
            raise InputError(f'chunk_numbers must be at least 1, got {chunk_numbers}')
        self.loss_weight, self.avg_non_ignore, self.chunk_numbers, self.loss_name = loss_weight, avg_non_ignore, chunk_numbers, loss_name

    def forward(self, logits: Tensor, labels: Tensor, weight: Tensor | None = None, ignore_index: int = 255) -> Tensor:
        """Return the loss, float32 ().

        Args:
            logits: Float (N,C,H,W).
            labels: int64 (N,H,W), 0..C-1 or ``ignore_index``.
            weight: Weights of the pixels, which are not supported. None.
            ignore_index: Label of ignored pixels. Default: 255.

        Raises:
            InputError: A label is outside the label space, or there are weights.
        """
        if weight is not None:
            raise InputError('mmbdg.ChunkedCrossEntropy has no weights of pixels: remove the sampler of the head, or use CrossEntropyLoss')
        counted = labels != ignore_index
        wrong = ((labels < 0) | (labels >= logits.shape[1])) & counted
        if wrong.any():
            raise InputError(
                f'the masks of a batch hold the label {int(labels[wrong][0])}, in {int(wrong.sum())} pixels; the head has '
                f'{logits.shape[1]} labels and ignores {ignore_index}: set num_classes and ignore_index of the head to those of the label '
                'space'
            )
        pixels = counted.sum() if self.avg_non_ignore else labels.numel()
        total = _CrossEntropySum.apply(logits, labels, ignore_index, max(1, self.chunk_numbers // logits.shape[1]))
        return self.loss_weight * total / (pixels + EPS)


class _CrossEntropySum(torch.autograd.Function):
    """Sum of the cross-entropy over pixels. The gradient is computed with the value, for ``chunk`` pixels at a time."""

    @staticmethod
    def forward(ctx: FunctionCtx, logits: Tensor, labels: Tensor, ignore: int, chunk: int) -> Tensor:
        ctx.gradient = torch.empty(logits.shape, dtype=logits.dtype, device=logits.device) if ctx.needs_input_grad[0] else None
        total = torch.zeros((), dtype=torch.float64, device=logits.device)
        for image in range(len(logits)):
            flat, known = logits[image].flatten(1), labels[image].flatten()
            gradient = None if ctx.gradient is None else ctx.gradient[image].view(len(flat), -1)
            for start in range(0, len(known), chunk):
                part, label = flat[:, start : start + chunk].float(), known[start : start + chunk]
                counted = label != ignore
                label = torch.where(counted, label, 0)[None]
                log_sum = part.logsumexp(0)
                total += torch.where(counted, log_sum - part.gather(0, label)[0], 0).sum()
                if gradient is not None:
                    probability = (part - log_sum).exp_()
                    probability.scatter_add_(0, label, -torch.ones_like(label, dtype=probability.dtype))
                    gradient[:, start : start + chunk] = probability.mul_(counted)
        return total.float()

    @staticmethod
    def backward(ctx: FunctionCtx, slope: Tensor) -> tuple[Any, ...]:
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            raise RuntimeError('the gradient of ChunkedCrossEntropy is computed once: call backward once for each loss')
        return gradient.mul_(slope), None, None, None
