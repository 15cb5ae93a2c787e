"""Where the time of a synthesis goes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch


@dataclass
class Stages:
    """Seconds and images of each stage: generate (candidates, images only), classify, label (survivors, images with masks), write.

    Args:
        device: Where the stages compute; its queue is waited for.
    """

    device: torch.device
    seconds: dict[str, float] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str, images: int) -> Iterator[None]:
        """Time a part of a stage."""
        start = time.perf_counter()
        yield
        if self.device.type == 'cuda' and stage != 'write':
            torch.cuda.synchronize(self.device)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
        self.images[stage] = self.images.get(stage, 0) + images

    def naive_seconds(self) -> float:
        """What the same blocks would have taken in the naive order, every candidate labelled before it is judged: an estimate from the
        mean cost of a labelled image, without writing."""
        if not self.images.get('label'):
            return 0.0
        candidates = self.images.get('generate', self.images['label'])
        return candidates * self.seconds['label'] / self.images['label'] + self.seconds.get('classify', 0.0)

    def computing_seconds(self) -> float:
        """What they took, without writing."""
        return sum(seconds for stage, seconds in self.seconds.items() if stage != 'write')
