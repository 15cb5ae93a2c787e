"""Steered synthesis: of several candidates for a training sample, the one that the network in training is least certain of."""

from collections.abc import Callable, Sequence

import torch
from mmseg.models.segmentors.base import BaseSegmentor
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmbdg.errors import InputError, nearest
from mmbdg.interpreter.labels import entropy
from mmbdg.models.joint_pretraining import JointPretraining
from mmbdg.models.undisturbed import undisturbed
from mmbdg.registry import MODELS


def mean_entropy(probabilities: Tensor, counted: Tensor) -> Tensor:
    """Mean entropy of the predicted labels.

    Args:
        probabilities: Float (N,C,H,W), sum 1 over C.
        counted: Bool (N,H,W), the pixels of the mean.

    Returns:
        Float (N,) in nats, between 0 and ln C; 0 if no pixel counts.
    """
    return (entropy(probabilities) * counted).sum((1, 2)) / counted.sum((1, 2)).clamp(min=1)


def predicted_probabilities(sample: SegDataSample) -> Tensor:
    """Probabilities of the labels, float32 (L,H,W), of a predicted sample with ``seg_logits``; L is 2 for a network with one output."""
    logits = sample.seg_logits.data.float()
    # With one channel mmseg's predictions hold its probability instead of its logit.
    return torch.cat([1 - logits, logits]) if len(logits) == 1 else logits.softmax(0)


SCORES: dict[str, Callable[[Tensor, Tensor], Tensor]] = dict(entropy=mean_entropy)
"""How uncertain the network is about an image, by name; the arguments are those of :func:`mean_entropy`."""


@MODELS.register_module()
class SteeredSampler:
    """Part of :class:`~mmbdg.models.OnlineDataPreprocessor` that scores candidates with the network in training.

    .. code-block:: python

        model = dict(data_preprocessor=dict(type='mmbdg.OnlineDataPreprocessor', ..., sampling=dict(steering=dict(candidates=4))))
        custom_hooks = [dict(type='mmbdg.SteeringHook')]  # tools/train.py adds it

    The candidates of the address (class, index) are the samples at index + k x 10^12, k = 0 ... ``candidates`` - 1. The one with the
    largest score is used; at equal scores the first. Candidates outside the bounds of
    :class:`~mmbdg.models.online_sampling.OnlineSampling`, such as ``max_uncertainty`` of the labeller, are not taken. The same weights and
    statistics of the network give the same choice, except between scores that differ by rounding errors.

    The network is not a part of this object, of the data preprocessor or of checkpoints. :class:`~mmbdg.engine.SteeringHook` hands it over
    before the training.

    Args:
        candidates: Number of candidates of an address, at least 1; default 4. 1: no steering, and no network is needed.
        score: A name of :data:`SCORES`; default "entropy".

    Raises:
        InputError: A value is wrong; (in ``learner``) no network was handed over.
    """

    def __init__(self, candidates: int = 4, score: str = 'entropy') -> None:
        if not isinstance(candidates, int) or isinstance(candidates, bool) or candidates < 1:
            raise InputError(f'steering: candidates must be a whole number of at least 1, got {candidates!r}')
        if score not in SCORES:
            raise InputError(f'steering: score must be one of {", ".join(SCORES)}, got {score!r}{nearest(str(score), SCORES)}')
        self.candidates, self.score = candidates, score
        self._learner: tuple[nn.Module, ...] = ()

    @property
    def learner(self) -> nn.Module:
        """The network in training."""
        if not self._learner:
            raise InputError(
                "steering needs the network in training: add custom_hooks=[dict(type='mmbdg.SteeringHook')] to the config "
                '(tools/train.py adds it), or set sampling.steering=None'
            )
        return self._learner[0]

    def follow(self, model: nn.Module) -> None:
        """Use this model for the scores.

        Raises:
            InputError: It does not predict label maps.
        """
        if not isinstance(model, BaseSegmentor | JointPretraining):
            raise InputError(
                f'steering needs a network that predicts label maps (a segmentor of mmseg, or joint pre-training), not '
                f'{type(model).__name__}: set sampling.steering=None'
            )
        self._learner = (model,)  # in a tuple: as an attribute of modules it would become a part of them

    def scores(self, inputs: Tensor, data_samples: Sequence[SegDataSample]) -> list[float]:
        """Scores of N images for the predictions of the network in evaluation mode. The network and the random states stay as they are.

        Args:
            inputs: Preprocessed images, float (N,3,H,W).
            data_samples: N data samples with ``gt_sem_seg`` and the meta information ``ori_shape`` and ``ignore``, the label of pixels that
                do not count. The predictions are added to them.

        Raises:
            InputError: The predictions of the network have no logits.
        """
        device = inputs.device.type
        # Not needed with torch 2.11. A version whose autocast caches half-precision weights of a pass without gradients would use them in
        # the training step.
        autocast = torch.autocast(
            device, dtype=torch.get_autocast_dtype(device), enabled=torch.is_autocast_enabled(device), cache_enabled=False
        )
        with undisturbed(self.learner), autocast:
            predicted = self.learner.predict(inputs, list(data_samples))
        if 'seg_logits' not in predicted[0]:
            raise InputError(f'steering needs logits, which the predictions of {type(self.learner).__name__} lack: use another model')
        probabilities = torch.stack([predicted_probabilities(sample) for sample in predicted])
        height, width = probabilities.shape[2:]  # without padding
        counted = torch.stack([sample.gt_sem_seg.data[0, :height, :width] != sample.ignore for sample in data_samples])
        return SCORES[self.score](probabilities, counted).tolist()


def connect_steering(model: nn.Module) -> None:
    """Hand a model to the :class:`SteeredSampler` of its data preprocessor, or of a part of it; does nothing if there is none."""
    for module in getattr(model, 'data_preprocessor', nn.Module()).modules():
        steering = getattr(module, 'steering', None)
        if isinstance(steering, SteeredSampler):
            steering.follow(model)
