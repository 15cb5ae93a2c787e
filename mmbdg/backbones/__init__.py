"""Pre-trained backbones for other libraries: their names, what they cannot build, and a card that says where the weights are from."""

from mmbdg.backbones.card import card
from mmbdg.backbones.layouts import LAYOUTS, Export, to_layout
from mmbdg.backbones.origin import Origin, read_origin

__all__ = ['LAYOUTS', 'Export', 'Origin', 'card', 'read_origin', 'to_layout']
