"""Load and export pre-trained backbones: parameter names of publishers and libraries, strict checks, and a card with their origin."""

from mmbdg.backbones.card import card
from mmbdg.backbones.layouts import LAYOUTS, Export, to_layout
from mmbdg.backbones.origin import Origin, read_origin
from mmbdg.backbones.pretrained import PretrainedBackbone, backbone_tensors

__all__ = ['LAYOUTS', 'Export', 'Origin', 'PretrainedBackbone', 'backbone_tensors', 'card', 'read_origin', 'to_layout']
