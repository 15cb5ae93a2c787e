"""Features are equal under every library's key names.

Backbones that a library would load but compute differently raise an error.
"""

import math
from functools import cache

import pytest
import timm
import torch
import torchvision
from mmengine.registry import MODELS, DefaultScope
from torch import nn
from torch.nn import functional as F

from mmbdg.backbones import to_layout
from mmbdg.backbones.vision_transformer import HEADS, TIMM, TORCHVISION
from mmbdg.errors import InputError

IMAGES = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True, scope='module')
def _no_random_start():
    """Skip random initialisation, which takes most of the time: the tests set every tensor."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ('kaiming_uniform_', 'kaiming_normal_', 'uniform_', 'normal_', 'trunc_normal_', 'xavier_uniform_'):
            patch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
        yield


def build(backbone: dict) -> nn.Module:
    package, _ = backbone['type'].split('.')
    with DefaultScope.overwrite_default_scope(package):
        network = MODELS.build(backbone)
    network.eval()
    return network


@cache
def weights(shapes: tuple) -> dict[str, torch.Tensor]:
    """Random tensors and batch statistics, large enough that every layer affects the features."""
    state = {}
    for key, shape in shapes:
        if key.endswith('num_batches_tracked'):
            state[key] = torch.tensor(7)
        elif len(shape) == 1 and not key.endswith(('bias', 'running_mean')):  # the scale of a norm layer, or a variance
            state[key] = torch.empty(shape).uniform_(0.5, 1.5)
        else:
            state[key] = torch.empty(shape).normal_(std=0.1 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5)
    return state


def trained(backbone: dict) -> nn.Module:
    network = build(backbone)
    network.load_state_dict(weights(tuple((key, tuple(value.shape)) for key, value in network.state_dict().items())))
    return network


@torch.no_grad()
def features(network: nn.Module) -> torch.Tensor:
    """Features of the last stage, or of the class token."""
    name = type(network).__module__.split('.')[0]
    if name in ('mmpretrain', 'mmseg', 'mmdet'):
        return network(IMAGES)[-1]
    if isinstance(network, torchvision.models.VisionTransformer | timm.models.VisionTransformer):
        return network(IMAGES)
    children = dict(network.named_children())
    images = IMAGES
    for key in ('conv1', 'bn1', 'relu' if 'relu' in children else 'act1', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'):
        images = children[key](images)
    return images


def rebuilt(expression: str) -> nn.Module:
    """The library's network without its head."""
    network = eval(expression, dict(timm=timm, torchvision=torchvision))
    for head in ('fc', 'heads'):
        if hasattr(network, head):
            setattr(network, head, nn.Identity())
    network.eval()
    return network


def resnet(depth: int, package: str = 'mmpretrain', **arguments) -> dict:
    return dict(type=f'{package}.ResNet', depth=depth, num_stages=4, out_indices=(0, 1, 2, 3), style='pytorch') | arguments


@pytest.fixture(scope='module', params=[18, 50])
def plain(request) -> tuple[dict, nn.Module]:
    torch.manual_seed(0)
    backbone = resnet(request.param, norm_cfg=dict(type='SyncBN', requires_grad=True), frozen_stages=1)
    return backbone, trained(backbone | dict(norm_cfg=dict(type='BN')))


@pytest.mark.parametrize('package', ['mmpretrain', 'mmseg', 'mmdet'])
def test_openmmlab(plain, package):
    backbone, network = plain
    export = to_layout(network.state_dict(), backbone, 'openmmlab')
    other = build(resnet(backbone['depth'], package, norm_cfg=dict(type='BN')))
    other.load_state_dict(export.state)
    with torch.no_grad():
        for mine, its in zip(network(IMAGES), other(IMAGES), strict=True):
            assert torch.equal(mine, its)


@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
def test_resnet_elsewhere(plain, layout):
    backbone, network = plain
    export = to_layout(network.state_dict(), backbone, layout)
    assert not export.arguments
    other = rebuilt(export.network)
    other.load_state_dict(export.state)
    torch.testing.assert_close(features(other), features(network), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize('depth', [34, 101, 152])
@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
def test_names_of_the_other_depths(depth, layout):
    with torch.device('meta'):
        export = to_layout(build(resnet(depth, 'mmseg')).state_dict(), resnet(depth), layout)
        other = rebuilt(export.network).state_dict()
    assert {key: value.shape for key, value in export.state.items()} == {key: value.shape for key, value in other.items()}


DILATED = {  # in mmseg the first block of a dilated stage can have the previous dilation
    16: dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), contract_dilation=True),
    8: dict(strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True),
}


@pytest.mark.parametrize('output_stride', DILATED)
@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
def test_dilated_resnet_with_arguments(output_stride, layout):
    backbone = resnet(50, 'mmseg', **DILATED[output_stride])
    network = trained(backbone)
    with pytest.raises(InputError, match='--allow-arguments') as refusal:
        to_layout(network.state_dict(), backbone, layout)
    export = to_layout(network.state_dict(), backbone, layout, allow_arguments=True)
    assert export.arguments and export.network in str(refusal.value)
    other, standard = rebuilt(export.network), rebuilt(to_layout(network.state_dict(), resnet(50), layout).network)
    other.load_state_dict(export.state)
    torch.testing.assert_close(features(other), features(network), rtol=1e-6, atol=1e-6)
    standard.load_state_dict(export.state)  # it loads without an error, but its features differ
    assert features(standard).shape != features(network).shape


@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
@pytest.mark.parametrize(
    'backbone',
    [
        resnet(18, 'mmseg', strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),  # configs/_base_/models/resnet18_64px.py
        resnet(50, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),  # the first dilated block is dilated too
        resnet(50, style='caffe'),
        resnet(18, norm_cfg=dict(type='BN', eps=0.1)),
    ],
    ids=['r18 dilated', 'r50 dilated', 'caffe', 'eps'],
)
def test_what_would_load_and_be_another_network(backbone, layout):
    network = trained(backbone)
    with pytest.raises(InputError, match='without an error.*but give other features'):
        to_layout(network.state_dict(), backbone, layout, allow_arguments=True)
    other = rebuilt(to_layout(network.state_dict(), resnet(backbone['depth']), layout).network)
    other.load_state_dict(network.state_dict())
    mine, its = features(network), features(other)
    assert mine.shape != its.shape or (mine - its).abs().max() > 1e-2


@pytest.mark.parametrize('layout', ['torchvision', 'timm', 'detectron2'])
@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(type='mmpretrain.ResNetV1c'), 'deep_stem=True'),
        (dict(type='mmseg.ResNetV1d'), 'deep_stem=True, avg_down=True'),
        (dict(avg_down=True), 'avg_down=True'),
        (dict(norm_cfg=dict(type='GN', num_groups=8)), "'GN'"),
        (dict(norm_cfg=dict(type='SyncBN', eps=1e-3)), "'eps': 0.001"),
        (dict(base_channels=32), 'base_channels=32'),
        (dict(stem_channels=32), 'stem_channels=32'),
        (dict(dcn=dict(type='DCN')), 'dcn='),
        (dict(multi_grid=(1, 2, 4)), 'multi_grid='),
        (dict(something_new=1), 'something_new=1'),
        (dict(num_stages=3), 'num_stages=3'),
        (dict(style='other'), 'style=other'),
        (dict(depth=200), 'depth=200'),
        (dict(depth=34), 'do not match a plain ResNet-34'),
        (dict(type='mmpretrain.ResNeXt'), 'has only the layout openmmlab'),
        (dict(type='theirs.ResNet'), 'has only the layout openmmlab'),
        (dict(type='ResNet', strides=(1, 1, 2, 2)), r'strides \(1, 1, 2, 2\)'),
    ],
)
def test_refused_by_the_config(layout, arguments, message):
    with torch.device('meta'):
        state = torchvision.models.resnet18().state_dict()
    state = {key: value for key, value in state.items() if not key.startswith('fc.')}
    to_layout(state, resnet(18, stem_channels=None, expansion=1, with_cp=True), layout)
    with pytest.raises(InputError, match=message):
        to_layout(state, resnet(18) | arguments, layout, allow_arguments=True)


def test_without_a_config():
    state = build(resnet(18)).state_dict()
    assert to_layout(state, None, 'openmmlab').state.keys() == state.keys()
    with pytest.raises(InputError, match='--backbone type=ResNet depth=50'):
        to_layout(state, None, 'timm')
    with pytest.raises(InputError, match='missing from the file'):
        to_layout({key: value for key, value in state.items() if not key.startswith('layer4')}, resnet(18), 'timm')
    with pytest.raises(InputError, match='no layout "caffe2"'):
        to_layout(state, resnet(18), 'caffe2')


def test_old_files_without_counters():
    state = {key: value for key, value in build(resnet(18)).state_dict().items() if not key.endswith('num_batches_tracked')}
    rebuilt('torchvision.models.resnet18()').load_state_dict(to_layout(state, resnet(18), 'torchvision').state)


# Detectron2's names and shapes, as in its modeling/backbone/resnet.py: a convolution contains its norm.
def detectron2_shapes(depth: int) -> dict[str, tuple]:
    blocks = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}[depth]
    found: dict[str, tuple] = {}

    def conv(name: str, out: int, inside: int, kernel: int) -> None:
        found[f'{name}.weight'] = (out, inside, kernel, kernel)
        found.update({f'{name}.norm.{part}': (out,) for part in ('weight', 'bias', 'running_mean', 'running_var')})

    conv('stem.conv1', 64, 3, 7)
    inside = 64
    for stage, count in enumerate(blocks):
        width, out = 64 * 2**stage, 64 * 2**stage * (4 if depth == 50 else 1)
        for block in range(count):
            name = f'res{stage + 2}.{block}'
            if inside != out:
                conv(f'{name}.shortcut', out, inside, 1)
            if depth == 50:
                conv(f'{name}.conv1', width, inside, 1)
                conv(f'{name}.conv2', width, width, 3)
                conv(f'{name}.conv3', out, width, 1)
            else:
                conv(f'{name}.conv1', out, inside, 3)
                conv(f'{name}.conv2', out, out, 3)
            inside = out
    return found


@pytest.mark.parametrize('depth, count, some', [
    (18, 100, {'res2.0.conv1.weight': (64, 64, 3, 3), 'res3.0.shortcut.weight': (128, 64, 1, 1), 'res5.1.conv2.norm.bias': (512,)}),
    (50, 265, {
        'stem.conv1.weight': (64, 3, 7, 7), 'stem.conv1.norm.running_var': (64,), 'res2.0.shortcut.weight': (256, 64, 1, 1),
        'res2.0.shortcut.norm.weight': (256,), 'res2.0.conv1.weight': (64, 64, 1, 1), 'res3.0.conv2.weight': (128, 128, 3, 3),
        'res4.5.conv3.norm.running_mean': (1024,), 'res5.2.conv3.weight': (2048, 512, 1, 1),
    }),
])  # fmt: skip
def test_detectron2_names(depth, count, some):
    export = to_layout(build(resnet(depth)).state_dict(), resnet(depth), 'detectron2')
    shapes = {key: tuple(value.shape) for key, value in export.state.items()}
    assert shapes == detectron2_shapes(depth) and len(shapes) == count and some.items() <= shapes.items()


def detectron2_forward(state: dict, settings: dict, images: torch.Tensor) -> torch.Tensor:
    """A short version of detectron2's forward pass for tensors with these names."""

    def conv(name: str, x: torch.Tensor, stride: int = 1, padding: int = 0, dilation: int = 1) -> torch.Tensor:
        x = F.conv2d(x, state[f'{name}.weight'], None, stride, padding * dilation, dilation)
        parts = [state[f'{name}.norm.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias')]
        return F.batch_norm(x, *parts, eps=1e-5)

    x = F.max_pool2d(F.relu(conv('stem.conv1', images, 2, 3)), 3, 2, 1)
    for stage in (2, 3, 4, 5):
        dilation = settings['MODEL.RESNETS.RES5_DILATION'] if stage == 5 else 1
        block = 0
        while f'res{stage}.{block}.conv1.weight' in state:
            name, stride = f'res{stage}.{block}', 2 if block == 0 and stage > 2 and dilation == 1 else 1
            shortcut = conv(f'{name}.shortcut', x, stride) if f'{name}.shortcut.weight' in state else x
            if settings['MODEL.RESNETS.DEPTH'] in (18, 34):
                x = conv(f'{name}.conv2', F.relu(conv(f'{name}.conv1', x, stride, 1)), 1, 1)
            else:
                first, second = (stride, 1) if settings['MODEL.RESNETS.STRIDE_IN_1X1'] else (1, stride)
                x = F.relu(conv(f'{name}.conv2', F.relu(conv(f'{name}.conv1', x, first)), second, 1, dilation))
                x = conv(f'{name}.conv3', x)
            x, block = F.relu(x + shortcut), block + 1
    return x


@pytest.mark.parametrize(
    'backbone, settings',
    [
        (resnet(18, style='caffe'), dict(STRIDE_IN_1X1=False, RES2_OUT_CHANNELS=64)),  # no effect in a basic block
        (resnet(50), dict(STRIDE_IN_1X1=False, RES5_DILATION=1, RES2_OUT_CHANNELS=256)),
        (resnet(50, style='caffe'), dict(STRIDE_IN_1X1=True)),
        (resnet(50, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)), dict(RES5_DILATION=2)),
    ],
    ids=['r18', 'r50', 'caffe', 'dilated'],
)
def test_detectron2_features(backbone, settings):
    network = trained(backbone)
    export = to_layout(network.state_dict(), backbone, 'detectron2')
    assert {f'MODEL.RESNETS.{key}': value for key, value in settings.items()}.items() <= export.network.items()
    torch.testing.assert_close(detectron2_forward(export.state, export.network, IMAGES), features(network), rtol=1e-5, atol=1e-5)


VITS = {
    'mocov3-small': (dict(type='mmpretrain.MoCoV3ViT', arch='mocov3-small', img_size=64, patch_size=16, stop_grad_conv1=True), True),
    'deit-tiny': (dict(type='mmpretrain.VisionTransformer', arch='deit-tiny', img_size=64, patch_size=16), True),
    'own': (
        dict(
            type='mmpretrain.VisionTransformer',
            arch=dict(embed_dims=48, num_layers=2, num_heads=3, feedforward_channels=96),
            img_size=64,
            patch_size=8,
        ),
        True,
    ),
}


@pytest.mark.parametrize('name', VITS)
@pytest.mark.parametrize('layout', ['torchvision', 'timm'])
def test_vit_elsewhere(name, layout):
    backbone, needs_arguments = VITS[name]
    network = trained(backbone)
    with pytest.raises(InputError, match='--allow-arguments'):
        to_layout(network.state_dict(), backbone, layout)
    export = to_layout(network.state_dict(), backbone, layout, allow_arguments=True)
    other = rebuilt(export.network)
    other.load_state_dict(export.state)
    torch.testing.assert_close(features(other), features(network), rtol=1e-4, atol=1e-5)
    other.load_state_dict({key: torch.zeros_like(v) if 'pos' in key else v for key, v in export.state.items()})
    assert (features(other) - features(network)).abs().max() > 1e-3  # position embeddings have an effect


def test_heads_are_in_no_tensor():
    """The config is needed because the tensors do not contain the number of heads: timm's ViT-S has six, MoCo v3's twelve."""
    backbone = VITS['mocov3-small'][0]
    network = trained(backbone)
    export = to_layout(network.state_dict(), backbone, 'timm', allow_arguments=True)
    assert export.network == "timm.create_model('vit_small_patch16_224', num_heads=12, img_size=64, num_classes=0)"
    other = rebuilt(export.network.replace('num_heads=12, ', ''))
    other.load_state_dict(export.state)
    assert (features(other) - features(network)).abs().max() > 1e-2


def test_named_vits():
    """Sizes and heads match for every name in timm and torchvision, and for mmpretrain's architectures."""
    with torch.device('meta'):
        for sizes, name in TIMM.items():
            network = timm.create_model(name, num_classes=0)
            block, patches = network.blocks[0], network.patch_embed
            assert sizes == (
                network.embed_dim, len(network.blocks), block.attn.num_heads, block.mlp.fc1.out_features, patches.patch_size[0],
                patches.img_size[0],
            )  # fmt: skip
        for sizes, name in TORCHVISION.items():
            network = getattr(torchvision.models, name)()
            layers = network.encoder.layers
            assert sizes == (
                network.hidden_dim, len(layers), layers[0].self_attention.num_heads, network.mlp_dim, network.patch_size, network.image_size
            )  # fmt: skip
    build(VITS['mocov3-small'][0])  # registers its architecture
    zoo = MODELS.get('mmpretrain.VisionTransformer').arch_zoo
    assert {name: zoo[name]['num_heads'] for name in HEADS} == HEADS


def test_a_vit_under_its_own_name():
    backbone = dict(type='mmpretrain.VisionTransformer', arch='base', img_size=224, patch_size=16, drop_path_rate=0.1)
    with torch.device('meta'):
        state = build(backbone).state_dict()
    for layout, network in (
        ('timm', "timm.create_model('vit_base_patch16_224', num_classes=0)"),
        ('torchvision', 'torchvision.models.vit_b_16()'),
    ):
        export = to_layout(state, backbone, layout)
        with torch.device('meta'):
            other = rebuilt(network).state_dict()
        assert export.network == network and {k: v.shape for k, v in export.state.items()} == {k: v.shape for k, v in other.items()}


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(out_type='avg_featmap'), 'out_type=avg_featmap'),
        (dict(layer_scale_init_value=1e-4), 'layer_scale_init_value'),
        (dict(final_norm=False), 'final_norm=False'),
        (dict(pre_norm=True), 'pre_norm=True'),
        (dict(norm_cfg=dict(type='LN')), 'norm_cfg'),  # its epsilon is 1e-5
        (dict(layer_cfgs=dict(ffn_type='swiglu_fused')), 'layer_cfgs'),
        (dict(arch='eva-g'), 'the number of heads'),
    ],
)
def test_vits_refused(arguments, message):
    backbone = VITS['own'][0]
    state = build(backbone).state_dict()
    with pytest.raises(InputError, match=message):
        to_layout(state, backbone | arguments, 'timm', allow_arguments=True)
    with pytest.raises(InputError, match='not known to the model: layers.0.gamma'):
        to_layout(state | {'layers.0.gamma': torch.ones(1)}, backbone, 'timm', allow_arguments=True)
    with pytest.raises(InputError, match="detectron2's ViT is another network"):
        to_layout(state, backbone, 'detectron2')
