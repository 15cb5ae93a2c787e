"""Convert the parameter names of a backbone to those of other libraries.

Weights do not store strides, dilations, the number of heads or epsilons. A library whose network differs in these loads the weights without
an error but gives other features. Converting to another layout therefore needs the config of the backbone.
"""

from typing import NamedTuple

from torch import Tensor

from mmbdg.backbones.resnet import resnet_to_layout
from mmbdg.backbones.vision_transformer import vit_to_layout
from mmbdg.errors import InputError

LAYOUTS = ('openmmlab', 'torchvision', 'timm', 'detectron2')
CLASSES = {
    'ResNet': resnet_to_layout,
    'ResNetV1c': resnet_to_layout,
    'ResNetV1d': resnet_to_layout,
    'VisionTransformer': vit_to_layout,
    'MoCoV3ViT': vit_to_layout,
}
PACKAGES = ('mmpretrain', 'mmseg', 'mmdet')


class Export(NamedTuple):
    """Backbone with the parameter names of a library.

    Args:
        state: State dict with the library's names.
        network: How to build the network in the library: a Python expression, or a dict of settings for detectron2; None: by the
            backbone's config.
        arguments: Whether the network needs other arguments than the library's default model of this name; default False.
    """

    state: dict[str, Tensor]
    network: str | dict | None
    arguments: bool = False


def to_layout(state: dict[str, Tensor], backbone: dict | None, layout: str, allow_arguments: bool = False) -> Export:
    """Rename the tensors of a ResNet or a plain ViT of OpenMMLab; the values do not change.

    Args:
        state: State dict of the backbone, without prefix.
        backbone: Config of the backbone; None if it is unknown, then only the layout 'openmmlab' is possible.
        layout: Target layout, one of :data:`LAYOUTS`.
        allow_arguments: Whether the library's model may need other arguments than its default ones; default False.

    Raises:
        InputError: The library has no network that computes the same (stem, strides, dilations, heads, normalisation); it needs
            arguments and ``allow_arguments`` is False; or the tensors do not match ``backbone``.
    """
    if layout not in LAYOUTS:
        raise InputError(f'there is no layout "{layout}"; there are {", ".join(LAYOUTS)}')
    if layout == 'openmmlab':
        return Export(state, None)
    if backbone is None:
        raise InputError(
            f'the checkpoint has no config of the backbone, and weights do not store strides, dilations or heads, so that {layout} would '
            'load weights of another network without an error. Give the config: --backbone type=ResNet depth=50 (all arguments that differ '
            "from the class's defaults), or use --layout openmmlab"
        )
    *scope, name = str(backbone.get('type')).split('.')
    if name not in CLASSES or (scope and scope[0] not in PACKAGES):
        raise InputError(
            f'"{backbone.get("type")}" has only the layout openmmlab; other layouts exist for {", ".join(CLASSES)} of {", ".join(PACKAGES)}'
        )
    export = Export(*CLASSES[name](state, backbone | dict(type=name), layout))
    if export.arguments and not allow_arguments:
        raise InputError(
            f"{layout}'s model of this name is another network: it would load the weights without an error but give other features. "
            f'The same network is {export.network}: use --allow-arguments to write the weights for it'
        )
    return export
