"""Time measurement of the stages of a synthesis."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass
class Stages:
    """Seconds and numbers of images of each stage.

    The stages are: coarse (coarse blocks of candidates and their judge, with early rejection), generate (images of the
    candidates, or of those that early rejection left), classify, label (images with masks of the remaining candidates), write.

    Args:
        device: Device of the computation. It is synchronised before the time is taken.
        seconds: Seconds of each stage so far. Default: {}.
        images: Number of images of each stage so far. Default: {}.
    """

    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str, images: int) -> Iterator[None]:
        """Context that measures the time of a part of a stage."""
        start = time.perf_counter()
        yield
        if self.device.type == 'cuda' and stage != 'write':
            torch.cuda.synchronize(self.device)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        self.images[stage] = self.images.get(stage, 0) + images

    def naive_seconds(self) -> float:
        """Estimate the seconds of the same blocks if every candidate were labelled before filtering, without writing.

        The estimate uses the mean times of a labelled and of a classified image.
        """
        if not self.images.get('label'):
            return 0.0
        drawn = self.images.get('generate', self.images['label'])
        candidates = self.images.get('coarse', drawn)
        classifying = self.seconds.get('classify', 0.0) * (candidates / drawn if drawn else 1)
        return candidates * self.seconds['label'] / self.images['label'] + classifying

    def computing_seconds(self) -> float:
        """Return the measured seconds without writing."""
        return sum(seconds for stage, seconds in self.seconds.items() if stage != 'write')
