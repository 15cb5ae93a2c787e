"""Rejection sampling with a classifier (BigDatasetGAN, section 3.2): it keeps the candidates with the highest confidence."""

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from mmbdg.classifiers import (
    Classifier,
    build_classifier,
    class_map,
    classifier_files,
    classifier_identity,
    confidence,
)
from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.registry import FILTERS
from mmbdg.storage.catalogue import Catalogue
from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.filters.early_rejection import EarlyRejection
from mmbdg.synthesis.filters.ranges import check_bound, check_rate


@FILTERS.register_module()
class RejectionSampling(Filter):
    """Rejects the candidates for which the classifier has the lowest confidence in their class.

    Args:
        classifier: Config of the classifier, see :func:`~mmbdg.classifiers.build_classifier`.
        rate: Share of the candidates that is rejected, 0 to below 1. Default: 0.9, as in the paper.
        min_confidence: Smallest confidence of a kept candidate, 0 to 1. Default: 0.
        class_map: Mapping from the source's classes to the classifier's, see :func:`~mmbdg.classifiers.class_map`. Default:
            None, if the classes are the same.
        size: Height and width in pixels to which images are resized for the classifier. Default: None, for the size of its
            library.
        early: Early rejection: True, or a dict of arguments of :class:`EarlyRejection`, e.g. ``dict(keep=0.2)``. A small judge
            then drops most candidates before their images are finished, and the classifier judges the rest. ``rate`` stays
            the share of all candidates that is rejected. This is ours, not the paper's. Default: False.
        name: Name in counts and reports. Default: None, for "rejection".

    Raises:
        InputError: A value is out of its range, or early rejection would keep fewer candidates than ``rate`` does. In
            :meth:`prepare`: the judge of early rejection imitates another classifier.
    """

    short_name: ClassVar[str] = 'rejection'
    stage: ClassVar[Literal['image', 'mask']] = 'image'
    field = 'classifier_score'

    def __init__(
        self,
        classifier: Mapping[str, Any],
        rate: float = 0.9,
        min_confidence: float = 0.0,
        class_map: Sequence | Mapping | str | None = None,
        size: int | None = None,
        name: str | None = None,
        early: bool | Mapping[str, Any] = False,
    ) -> None:
        super().__init__(name)
        check_rate(rate, 'RejectionSampling.rate (rejection_rate)')
        check_bound(min_confidence, 'RejectionSampling.min_confidence')
        self.config, self.rate, self.min_confidence, self.class_map, self.size = classifier, rate, min_confidence, class_map, size
        self.may_fall_short = min_confidence > 0
        self.early = EarlyRejection(**({} if early is True else early)) if early else None
        if self.early and self.early.share < 1 - rate - 1e-9:  # 1 - 0.7 is above 0.3 in floating point
            raise InputError(
                f'synthesis: early rejection would keep {self.early.share:g} of the candidates, less than the {1 - rate:g} that '
                'RejectionSampling keeps: raise early.keep or rate'
            )
        self.classifier: Classifier | None = None
        self._class_ids: list[list[int]] | None = None

    def before(self) -> list[Filter]:
        return [self.early] if self.early else []

    def prepare(self, catalogue: Catalogue, class_ids: Sequence[int]) -> None:
        if self.early and self.early.judge.classifier != sha256(classifier_files(self.config)[0]):
            raise InputError(
                f'the judge {self.early.judge.weights} imitates another classifier than that of RejectionSampling: train a judge for this '
                'classifier, or set early=False'
            )
        self.classifier = build_classifier(self.config, self.size)
        self._class_ids = class_map(self.class_map, catalogue.classes, catalogue.folders, self.classifier, class_ids)

    def most(self, candidates: int) -> int:
        # With early rejection these are the candidates that it left.
        share = (1 - self.rate) / (self.early.share if self.early else 1)
        return max(1, round(candidates * share)) if candidates else 0

    def scores(self, batch: FilterBatch) -> Tensor:
        """Return the confidence of the classifier in the candidates' class, float (N,), 0 to 1."""
        return confidence(self.classifier.probabilities(batch.images), self._class_ids[batch.class_id])

    def keep(self, scores: Tensor) -> list[int]:
        best = torch.sort(scores, descending=True, stable=True).indices[: self.most(len(scores))].tolist()
        return [i for i in sorted(best) if scores[i] >= self.min_confidence]

    def identity(self) -> dict[str, dict[str, Any]]:
        (checksum,) = map(sha256, classifier_files(self.config))
        kind = self.config['type']
        return dict(
            config=dict(
                type='mmbdg.RejectionSampling',
                name=self.name,
                classifier=classifier_identity(self.config),  # without paths: the checksum identifies the file
                rate=self.rate,
                min_confidence=self.min_confidence,
                class_map=self.class_map,
                size=self.size,
                **(dict(early=dict(keep=self.early.share)) if self.early else {}),
            ),
            checksums=dict(classifier=checksum),
            versions={kind: metadata.version(kind).split('+')[0]} if kind in ('torchvision', 'timm') else {},  # they preprocess the images
        )

    def advice(self) -> str:
        return f'min_confidence ({self.min_confidence})' if self.min_confidence else ''
