"""Convert ResNet-18 to -152 of mmpretrain, mmseg and mmdet to torchvision, timm and detectron2.

OpenMMLab, torchvision and timm use the same parameter names. Those of detectron2 come from ``detectron2/modeling/backbone/resnet.py``.
"""

import re

from torch import Tensor

from mmbdg.compat.checkpoint import difference
from mmbdg.errors import InputError

DEPTHS = (18, 34, 50, 101, 152)
BOTTLENECKS = (50, 101, 152)
STRIDES, DILATIONS = (1, 2, 2, 2), (1, 1, 1, 1)

# Arguments of the standard network; the other libraries have no network for other values.
STANDARD = dict(
    in_channels=3,
    stem_channels=64,
    base_channels=64,
    num_stages=4,
    deep_stem=False,
    avg_down=False,
    conv_cfg=None,
    dcn=None,
    stage_with_dcn=(False,) * 4,
    plugins=None,
    multi_grid=None,
)
# Arguments that do not change the output of a trained network.
HARMLESS = {
    'type', '_scope_', 'depth', 'out_indices', 'frozen_stages', 'norm_eval', 'with_cp', 'zero_init_residual', 'init_cfg', 'pretrained',
    'drop_path_rate',
}  # fmt: skip
VARIABLE = {'strides', 'dilations', 'contract_dilation', 'style', 'norm_cfg'}
NORMS = ('BN', 'BN2d', 'SyncBN', 'MMSyncBN')
EPS = 1e-5

# (strides, dilations, contract_dilation) of networks with bottlenecks: arguments of the same network in the other libraries.
# contract_dilation: the first block of a dilated stage has the dilation of the stage before it.
OS16, OS8 = ((1, 2, 2, 1), (1, 1, 1, 2)), ((1, 2, 1, 1), (1, 1, 2, 4))
DILATED = {
    'torchvision': {
        (*OS16, True): 'replace_stride_with_dilation=[False, False, True]',
        (*OS8, True): 'replace_stride_with_dilation=[False, True, True]',
    },
    'timm': {(*OS16, True): 'output_stride=16', (*OS8, True): 'output_stride=8'},
    'detectron2': {(*OS16, False): 2},
}
FACTORIES = dict(torchvision='torchvision.models.resnet{}({})', timm="timm.create_model('resnet{}'{}, num_classes=0)")

DETECTRON2_NAMES = (
    (r'^(conv1|bn1)\.', r'stem.\1.'),
    (r'^layer(\d)\.', lambda match: f'res{int(match[1]) + 1}.'),
    (r'\bbn(\d)\.', r'conv\1.norm.'),
    (r'\bdownsample\.0\.', 'shortcut.'),
    (r'\bdownsample\.1\.', 'shortcut.norm.'),
)


def resnet_to_layout(state: dict[str, Tensor], backbone: dict, layout: str) -> tuple[dict[str, Tensor], str | dict, bool]:
    """State dict with the library's names, how to build the network in the library, and whether that needs non-default arguments.

    Raises:
        InputError: The library cannot build the network, or the tensors do not match the config.
    """
    depth = backbone.get('depth')
    _refuse_unusual(backbone, layout)
    _check_tensors(state, depth)
    strides, dilations = tuple(backbone.get('strides', STRIDES)), tuple(backbone.get('dilations', DILATIONS))
    caffe = depth in BOTTLENECKS and backbone.get('style', 'pytorch') == 'caffe'  # basic blocks are the same in both styles
    standard = (strides, dilations) == (STRIDES, DILATIONS)
    dilated = DILATED[layout].get((strides, dilations, bool(backbone.get('contract_dilation'))))
    if not standard and (depth not in BOTTLENECKS or dilated is None):
        raise InputError(
            f'{layout} has no ResNet-{depth} with strides {strides} and dilations {dilations}: it would load the weights without an error '
            f'into one with strides {STRIDES} and no dilation, but give other features. Use --layout openmmlab'
        )
    if layout == 'detectron2':
        return detectron2_names(state), _detectron2_settings(depth, caffe, 1 if standard else dilated), False
    if caffe:
        raise InputError(
            f"style='caffe' has the stride in the first 1x1 convolution of a block, {layout} in the 3x3: it would load the weights without "
            'an error but give other features. Use --layout openmmlab, or detectron2, which has both'
        )
    arguments = '' if standard else dilated if layout == 'torchvision' else f', {dilated}'
    return state, FACTORIES[layout].format(depth, arguments), not standard


def _refuse_unusual(backbone: dict, layout: str) -> None:
    implied = dict(ResNetV1c=dict(deep_stem=True), ResNetV1d=dict(deep_stem=True, avg_down=True)).get(backbone['type'], {})
    given = {key: value for key, value in (backbone | implied).items() if key not in HARMLESS | VARIABLE}
    if given.get('expansion') == (4 if backbone.get('depth') in BOTTLENECKS else 1):
        del given['expansion']
    if given.get('stem_channels') is None:  # in mmdet None stands for base_channels
        given.pop('stem_channels', None)
    unusual = [f'{key}={value}' for key, value in given.items() if key not in STANDARD or _plain(value) != STANDARD[key]]
    norm = backbone.get('norm_cfg') or dict(type='BN')
    if norm.get('type') not in NORMS or norm.get('eps', EPS) != EPS or set(norm) - {'type', 'eps', 'requires_grad', 'momentum', '_scope_'}:
        unusual.append(f'norm_cfg={dict(norm)}')
    if backbone.get('style', 'pytorch') not in ('pytorch', 'caffe'):
        unusual.append(f'style={backbone["style"]}')
    if unusual:
        raise InputError(
            f"this ResNet has {', '.join(unusual)}, which {layout}'s does not have: it would not load the weights, or load them without an "
            'error but give other features. Use --layout openmmlab'
        )


def _plain(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _check_tensors(state: dict[str, Tensor], depth: int) -> None:
    import torch
    from torch import nn
    from torchvision import models

    if depth not in DEPTHS:
        raise InputError(f'the config of the backbone says depth={depth}; ResNets of torchvision, timm and detectron2 have {DEPTHS}')
    with torch.device('meta'):
        network = getattr(models, f'resnet{depth}')()
    network.fc = nn.Identity()
    counters = {key: value for key, value in network.state_dict().items() if key.endswith('num_batches_tracked')}  # not in old files
    if problem := difference(network, counters | state):
        raise InputError(f'the tensors do not match a plain ResNet-{depth}, which the config of the backbone describes\n{problem}')


def detectron2_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename torchvision's parameters to detectron2's; counters of batches are dropped, because its FrozenBN has none."""
    renamed = {}
    for key, value in state.items():
        if not key.endswith('num_batches_tracked'):
            for pattern, name in DETECTRON2_NAMES:
                key = re.sub(pattern, name, key)
            renamed[key] = value
    return renamed


def _detectron2_settings(depth: int, stride_in_1x1: bool, res5_dilation: int) -> dict:
    """Settings of detectron2's config; its defaults for STRIDE_IN_1X1 and for the input differ."""
    return {
        'MODEL.RESNETS.DEPTH': depth,
        'MODEL.RESNETS.RES2_OUT_CHANNELS': 256 if depth in BOTTLENECKS else 64,
        'MODEL.RESNETS.STRIDE_IN_1X1': stride_in_1x1,
        'MODEL.RESNETS.RES5_DILATION': res5_dilation,
    }
