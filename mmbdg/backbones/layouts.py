"""One backbone under the names of several libraries.

A name and a shape do not say what a network computes: stride, dilation, number of heads and epsilon are in no tensor, and a library whose
network differs there loads the weights and gives other features without a word. So a foreign layout needs the backbone's config.
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
    """A backbone as a library reads it.

    Args:
        state: Tensors by the library's names.
        network: How the library builds the network: a Python expression, or settings by name for detectron2; None: the backbone's config
            says it.
        arguments: Whether that takes arguments which the library's own model of this name does not have.
    """

    state: dict[str, Tensor]
    network: str | dict | None
    arguments: bool = False


def to_layout(state: dict[str, Tensor], backbone: dict | None, layout: str, allow_arguments: bool = False) -> Export:
    """Rename the tensors of a ResNet or a plain ViT of OpenMMLab; values stay as they are.

    Args:
        state: Of the backbone, without prefix.
        backbone: Its config; None: not known, then "openmmlab" alone is possible.
        layout: One of :data:`LAYOUTS`.
        allow_arguments: Also write weights for which the library's model has to be built with arguments of its own.

    Raises:
        InputError: The library has no network that computes the same (stem, strides, dilations, heads, normalisation), it needs
            arguments and they were not allowed, or the tensors are not those of ``backbone``.
    """
    if layout not in LAYOUTS:
        raise InputError(f'there is no layout "{layout}"; there are {", ".join(LAYOUTS)}')
    if layout == 'openmmlab':
        return Export(state, None)
    if backbone is None:
        raise InputError(
            f'the checkpoint does not say how the backbone was built (no config in it), and strides, dilations or heads are in no tensor: '
            f'{layout} would load the weights whether they fit or not. State it: --backbone type=ResNet depth=50 (all that differs from '
            "the class's defaults), or use --layout openmmlab"
        )
    *scope, name = str(backbone.get('type')).split('.')
    if name not in CLASSES or (scope and scope[0] not in PACKAGES):
        raise InputError(f'"{backbone.get("type")}" has no layout but openmmlab: only {", ".join(CLASSES)} of {", ".join(PACKAGES)} have')
    export = Export(*CLASSES[name](state, backbone | dict(type=name), layout))
    if export.arguments and not allow_arguments:
        raise InputError(
            f"{layout}'s model of this name is another network: it would load the weights and give other features without a word. "
            f'The same network is {export.network}: with --allow-arguments the weights are written for that'
        )
    return export
