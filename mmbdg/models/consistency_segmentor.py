"""Segmentor that also learns from images without labels, by pseudo-labels and consistency."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.dist import get_rank
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage, ImgDataPreprocessor
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.structures import SegDataSample
from mmseg.utils import add_prefix
from torch import Tensor, nn
from torch.nn import functional as F

from mmbdg.datasets.address import drawn_at
from mmbdg.errors import InputError, nearest
from mmbdg.models.strong_views import StrongViews
from mmbdg.models.undisturbed import undisturbed
from mmbdg.registry import MODELS

NO_TARGET = -1
"""Target of pixels without a pseudo-label; no label space has it."""


@MODELS.register_module()
class ConsistencySegmentor(EncoderDecoder):
    """``mmseg.EncoderDecoder`` for batches of labelled and unlabelled images (docs/consistency.md).

    The labels of an unlabelled image are predicted by a teacher, in evaluation mode, from the view that the pipeline gives (weak
    augmentation). Pixels whose largest probability is at least ``threshold`` become targets of a strongly augmented view:

        loss = supervised loss + weight * min(1, iteration / ramp_up) * sum of the cross-entropy of targets / number of pixels

    (FixMatch, Sohn et al. 2020, equation 4, for pixels). The teacher is an exponential moving average of the network (mean teacher,
    Tarvainen and Valpola 2017), or the network itself. Labelled images and strong views go through the network in one batch, so that
    batch norms see in training the mixture whose statistics they use in tests. Predictions are those of the network.

    A batch is that of a :class:`~mmbdg.datasets.MixedDataset`. The samples of the unlabelled part need no ``gt_sem_seg``; if they have
    one, it is not read. Padding has no targets. Colours are changed as if the preprocessed channels were RGB (``bgr_to_rgb=True``).

    Losses and logged values: those of mmseg for the labelled images (``decode.*``, ``aux.*``); ``consistency.loss_ce``, weighted;
    ``consistency.confident``, share of unlabelled pixels with a target; ``consistency.largest_label``, share of the most frequent label
    among these targets (1: all pixels have the same label).

    Args:
        unlabelled: Name of the part whose images count as unlabelled. Default: "unlabelled". All other parts are labelled.
        threshold: Smallest probability of a target, in [0,1). Default: 0.95, as in FixMatch.
        weight: Weight of the loss of the unlabelled images, at least 0. Default: 1.
        ramp_up: Iterations in which the weight rises from 0. Default: 0, the full weight at once. Outside a Runner it is the full weight.
        momentum: Share of the teacher that an iteration leaves, in [0,1); mmengine's momentum is 1 - this value. 0: the network is its
            own teacher. Default: 0.99.
        strong: Settings of the strong augmentation, see :class:`~mmbdg.models.strong_views.StrongViews`. Default: None, its defaults.
        **kwargs: Arguments of ``mmseg.EncoderDecoder``. The data preprocessor is ``mmseg.SegDataPreProcessor``.

    The weights are those of ``mmseg.EncoderDecoder``, and ``teacher.*`` unless momentum is 0. Random numbers of the strong views are a
    function of (seed, iteration, rank) in a Runner.

    Raises:
        InputError: A value is out of range; the head has sigmoid outputs, or a loss that is not that of its logits; the data preprocessor
            is another one; (in ``loss``) a batch has no labelled or no unlabelled images.
    """

    def __init__(
        self,
        *,
        unlabelled: str = 'unlabelled',
        threshold: float = 0.95,
        weight: float = 1.0,
        ramp_up: int = 0,
        momentum: float = 0.99,
        strong: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name, value in dict(threshold=threshold, momentum=momentum).items():
            if not 0 <= value < 1:
                raise InputError(f'ConsistencySegmentor: {name} is at least 0 and below 1, got {value}')
        if not 0 <= weight < float('inf'):
            raise InputError(f'ConsistencySegmentor: weight is at least 0, got {weight}')
        if not isinstance(ramp_up, int) or isinstance(ramp_up, bool) or ramp_up < 0:
            raise InputError(f'ConsistencySegmentor: ramp_up is a whole number of iterations, at least 0; got {ramp_up!r}')
        self.strong_views = StrongViews.from_settings(strong)
        super().__init__(**kwargs)
        self.unlabelled, self.threshold, self.weight, self.ramp_up = unlabelled, threshold, weight, ramp_up
        self._check_parts()
        self.teacher = Teacher(self._networks(), 1 - momentum) if momentum else None

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Images float (N,3,H,W) with samples that name their part in ``source`` -> losses, see the class."""
        labelled, unlabelled = self._places(inputs, data_samples)
        samples = [data_samples[place] for place in labelled]
        if self.teacher is not None:
            self.teacher.update_parameters(self._networks())
        targets, valid, logged = self.pseudo_labels(inputs[unlabelled], [data_samples[place] for place in unlabelled])
        views, targets, valid = self.strong(inputs[unlabelled], targets, valid)
        features = self.extract_feat(torch.cat([inputs[labelled], views.to(inputs.dtype)]))
        logits = self.decode_head(features)
        self._check_logits(logits)
        count = len(labelled)
        losses = add_prefix(self.decode_head.loss_by_feat(logits[:count], samples), 'decode')
        if self.with_auxiliary_head:
            losses |= self._auxiliary_head_forward_train([feature[:count] for feature in features], samples)
        losses['consistency.loss_ce'] = self.weight_now() * self.consistency_loss(logits[count:], targets, valid)
        return losses | logged

    @torch.no_grad()
    def pseudo_labels(self, images: Tensor, data_samples: list[SegDataSample]) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Targets of unlabelled images.

        Args:
            images: Weak views, preprocessed, float (N,3,H,W).
            data_samples: Their samples, for the padding.

        Returns:
            Targets int64 (N,1,H,W), ``NO_TARGET`` for pixels below the threshold and padding; bool (N,1,H,W), False in padding; values for
            the log.
        """
        networks = self._networks() if self.teacher is None else self.teacher.module
        with undisturbed(networks):
            features = networks['backbone'](images)
            logits = networks['decode_head'](networks['neck'](features) if 'neck' in networks else features)
        self._check_logits(logits)
        confidence, labels = self._upsampled(logits, images.shape[2:]).softmax(1).max(1, keepdim=True)
        valid = not_padding(images, data_samples)
        confident = (confidence >= self.threshold) & valid
        counts = labels[confident].bincount(minlength=self.num_classes)
        logged = dict(confident=confident.sum() / valid.sum(), largest_label=counts.max() / counts.sum().clamp(min=1))
        return torch.where(confident, labels, NO_TARGET), valid, add_prefix(logged, 'consistency')

    @torch.no_grad()
    def strong(self, images: Tensor, targets: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Strong views of preprocessed images (N,3,H,W); maps (N,1,H,W) are mixed as the images are."""
        mean, std = (getattr(self.data_preprocessor, name, None) for name in ('mean', 'std'))
        mean, std = (0, 1) if mean is None else (mean, std)
        with self._random_numbers(), torch.autocast(images.device.type, enabled=False):
            pixels = ((images.float() * std + mean) / 255).clamp(0, 1)
            views = (self.strong_views.coloured(pixels) * 255 - mean) / std
            views, targets, valid = self.strong_views.mixed(views, targets, valid)
        return views, targets, valid

    def consistency_loss(self, logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
        """Cross-entropy of targets (N,1,H,W), summed and divided by the number of all valid pixels, so that few targets weigh little."""
        entropies = F.cross_entropy(self._upsampled(logits, targets.shape[2:]), targets[:, 0], ignore_index=NO_TARGET, reduction='sum')
        return entropies / valid.sum().clamp(min=1)

    def weight_now(self) -> float:
        """Weight of the loss of unlabelled images in this iteration."""
        iteration = MessageHub.get_current_instance().runtime_info.get('iter')
        return self.weight if not self.ramp_up or iteration is None else self.weight * min(1.0, iteration / self.ramp_up)

    def _upsampled(self, logits: Tensor, size: torch.Size) -> Tensor:
        return resize(logits.float(), size=size, mode='bilinear', align_corners=self.align_corners)

    def _networks(self) -> nn.ModuleDict:
        """What makes logits from images; not registered as a module, because its parts are."""
        return nn.ModuleDict({name: getattr(self, name) for name in ('backbone', 'neck', 'decode_head') if hasattr(self, name)})

    @contextmanager
    def _random_numbers(self) -> Iterator[None]:
        """In a Runner, random numbers depend on seed, iteration and rank only, so that a resumed training draws the same."""
        info = MessageHub.get_current_instance().runtime_info
        if 'iter' not in info:
            yield
            return
        with drawn_at('consistency', info.get('seed', 0), info['iter'], get_rank()):
            yield

    def _places(self, inputs: Tensor, data_samples: list[SegDataSample]) -> tuple[list[int], list[int]]:
        """Places of the labelled and of the unlabelled images in the batch."""
        how = "make batches of both with a mmbdg.MixedDataset and sampler=dict(type='mmbdg.SourceRatioSampler', ratio=...)"
        if not isinstance(inputs, Tensor):
            raise InputError(f'ConsistencySegmentor takes one batch of images, not parts (mmbdg.JointDataset): {how}')
        sources = [sample.get('source') for sample in data_samples]
        if None in sources:
            raise InputError(f'ConsistencySegmentor: a batch has samples that do not name their part (source): {how}')
        found = [place for place, source in enumerate(sources) if source == self.unlabelled]
        if not found:
            known = sorted(set(sources))
            raise InputError(
                f'ConsistencySegmentor: a batch has no image of the part "{self.unlabelled}" (unlabelled), only of '
                f'{", ".join(known)}{nearest(self.unlabelled, known)}: set model.unlabelled to the name of a part, or {how}'
            )
        if len(found) == len(sources):
            raise InputError(f'ConsistencySegmentor: a batch of {len(sources)} images has no labelled one: {how}')
        return [place for place, source in enumerate(sources) if source != self.unlabelled], found

    def _check_parts(self) -> None:
        head, name = self.decode_head, type(self.decode_head).__name__
        losses = getattr(head, 'loss_decode', ())
        losses = losses if isinstance(losses, nn.ModuleList) else [losses]
        if self.out_channels != self.num_classes or any(getattr(loss, 'use_sigmoid', False) for loss in losses):
            raise InputError(
                f'ConsistencySegmentor: {name} has sigmoid outputs, but a pseudo-label is the largest of the softmax: set '
                'out_channels to num_classes (2 for foreground and background) and use_sigmoid=False in loss_decode'
            )
        if getattr(type(head), 'loss', None) is not BaseDecodeHead.loss:
            raise InputError(
                f'ConsistencySegmentor: the loss of {name} is not that of its logits: use a head with one map of logits, e.g. FCNHead'
            )
        if not isinstance(self.data_preprocessor, ImgDataPreprocessor):
            raise InputError(
                f'ConsistencySegmentor: data_preprocessor is a {type(self.data_preprocessor).__name__}, but strong augmentation needs the '
                "mean and std of one for images: set data_preprocessor=dict(type='mmseg.SegDataPreProcessor', mean=..., std=...)"
            )

    def _check_logits(self, logits: Any) -> None:
        if not isinstance(logits, Tensor):
            name, kind = type(self.decode_head).__name__, type(logits).__name__
            raise InputError(f'ConsistencySegmentor: {name} gives {kind}, not one map of logits: use such a head, e.g. FCNHead')


class Teacher(ExponentialMovingAverage):
    """Moving average of the weights and of the statistics of batch norms; the first update copies the network.

    mmengine keeps references to the averaged tensors. They are stale when the model has been moved to another device, so they are taken
    anew.
    """

    def __init__(self, model: nn.Module, momentum: float) -> None:
        super().__init__(model, momentum=momentum, update_buffers=True)

    def update_parameters(self, model: nn.Module) -> None:
        """Average once more."""
        self.avg_parameters = self.module.state_dict()
        super().update_parameters(model)


def not_padding(images: Tensor, data_samples: list[SegDataSample]) -> Tensor:
    """Bool (N,1,H,W), False for the pixels by which mmseg's data preprocessor enlarged the images (N,3,H,W)."""
    inside = images.new_zeros(len(images), 1, *images.shape[2:], dtype=torch.bool)
    for mask, sample in zip(inside, data_samples, strict=True):
        left, right, top, bottom = sample.get('padding_size', (0, 0, 0, 0))
        mask[:, top : mask.shape[1] - bottom, left : mask.shape[2] - right] = True
    return inside
