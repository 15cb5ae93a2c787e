"""Pre-trained backbones, in and out: the names of publishers and libraries, what does not fit, and a card that says where they are from."""

from mmbdg.backbones.card import card
from mmbdg.backbones.layouts import LAYOUTS, Export, to_layout
from mmbdg.backbones.origin import Origin, read_origin
from mmbdg.backbones.pretrained import PretrainedBackbone, backbone_tensors

__all__ = ['LAYOUTS', 'Export', 'Origin', 'PretrainedBackbone', 'backbone_tensors', 'card', 'read_origin', 'to_layout']
