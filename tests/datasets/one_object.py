"""A source of few objects for the tests of pasting, and a placement at a given position."""

from contextlib import contextmanager

import numpy as np

from mmbdg.datasets.objects import Cutout, Objects
from mmbdg.datasets.placement import Placement
from mmbdg.registry import DATASETS


class GivenObjects(Objects):
    """Objects that a test makes. Instances are given to configs by the type :class:`Given`."""

    def __init__(self, cutouts, class_ids, classes):
        self.cutouts, self.class_ids, self.classes = cutouts, np.array(class_ids), tuple(classes)

    def cutout(self, index):
        return self.cutouts[index]


@contextmanager
def given(cutouts, class_ids=(0,), classes=('cup',)):
    """Config of the objects; it can be built inside the context."""
    name = 'GivenObjects'
    DATASETS.register_module(name=name, module=lambda: GivenObjects(cutouts, class_ids, classes), force=True)
    try:
        yield dict(type=f'mmbdg.{name}')
    finally:
        del DATASETS.module_dict[name]


def coloured(mask, colour):
    """Cut-out of one colour (RGB) on black."""
    mask = np.array(mask, bool)
    return Cutout(mask[:, :, None] * np.array(colour, np.uint8), mask)


def put_at(monkeypatch, *places):
    """Put the objects of each image at these positions, in turn."""
    waiting = []

    def place(self, rng, layers, shape):
        waiting.extend([] if waiting else places)
        return waiting.pop(0)

    monkeypatch.setattr(Placement, 'place', place)
