from argparse import Namespace

import pytest
import torch
import torchvision
from mmseg.models.backbones import ResNet, ResNetV1c
from torch import nn

from mmbdg.backbones import backbone_tensors
from mmbdg.engine.launch import check_pretrained, load_config
from mmbdg.errors import InputError
from mmbdg.files import write_safetensors

NORM = dict(type='BN')


def resnet(checkpoint=None, depth=18, kind=ResNet, **options):
    init_cfg = dict(type='mmbdg.PretrainedBackbone', checkpoint=str(checkpoint)) if checkpoint else None
    return kind(depth=depth, norm_cfg=NORM, init_cfg=init_cfg, **options)


@pytest.fixture(scope='module')
def published():
    """A network of torchvision with changed batch statistics."""
    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=7)
    network.train()(torch.randn(4, 3, 32, 32))
    return network.eval()


def features(network, image):
    """The last feature map of a torchvision network."""
    for name in ('conv1', 'bn1', 'relu', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'):
        image = getattr(network, name)(image)
    return image


BESIDE = {
    'backbone.': {'encoder_k.0.conv1.weight': (64, 3, 7, 7), 'queue': (8, 4), 'seg_head.conv_seg.weight': (2, 4, 1, 1)},
    '': {},
    'module.encoder_q.': {'module.encoder_k.conv1.weight': (64, 3, 7, 7), 'module.queue': (8, 4), 'module.queue_ptr': (1,)},
    'module.base_encoder.': {'module.momentum_encoder.conv1.weight': (64, 3, 7, 7), 'module.predictor.0.weight': (4, 4)},
    'module.': {},
}


@pytest.mark.parametrize('prefix', BESIDE)
def test_every_publishers_names(published, prefix, tmp_path, monkeypatch):
    """Features equal those of the source network for every publisher's key names.

    Projection heads, queues and second encoders are not loaded.
    """
    state = {f'{prefix}{key}': value for key, value in published.state_dict().items() if 'num_batches' not in key}
    torch.save(
        dict(epoch=200, arch='resnet18', state_dict=state | {key: torch.zeros(size) for key, size in BESIDE[prefix].items()}),
        tmp_path / 'published.pth.tar',
    )
    backbone = resnet(tmp_path / 'published.pth.tar')
    check_pretrained(nn.ModuleDict(dict(backbone=backbone)))
    said = []
    monkeypatch.setattr('mmbdg.backbones.pretrained.print_log', lambda message, *_: said.append(message))
    backbone.init_weights()
    backbone.eval()  # mmpretrain's eval() returns None
    image = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(backbone(image)[-1], features(published, image))
    assert (
        len(said) == 1 and said[0].startswith('100 tensors of') and said[0].endswith('ResNet, stem included')
    )  # 60 weights, 40 statistics


@pytest.mark.parametrize(
    ('network', 'message'),
    [
        (torchvision.models.resnet34, r'(?s)another depth.*not known to the model: layer1\.2\.bn1\.bias'),
        (torchvision.models.resnet50, r'(?s)not known to the model: layer1\.0\.bn3\.bias.*of another shape: layer1\.0\.conv1\.weight'),
    ],
)
def test_another_depth_is_refused(network, message, tmp_path):
    """Weights of another depth raise an error.

    ResNet-34 has all tensors of ResNet-18 in the same shapes, so mmengine would load its first blocks.
    """
    write_safetensors(tmp_path / 'deeper.safetensors', network().state_dict())
    with pytest.raises(InputError, match=message):
        resnet(tmp_path / 'deeper.safetensors').init_weights()


def test_another_stem_is_refused(published, tmp_path):
    write_safetensors(tmp_path / 'plain.safetensors', published.state_dict())
    with pytest.raises(InputError, match=r'(?s)another stem.*missing from the file: stem\.0\.weight'):
        check_pretrained(resnet(tmp_path / 'plain.safetensors', kind=ResNetV1c))
    write_safetensors(tmp_path / 'deep.safetensors', resnet(kind=ResNetV1c).state_dict())
    with pytest.raises(InputError, match=r'(?s)another stem.*missing from the file: conv1\.weight'):
        check_pretrained(resnet(tmp_path / 'deep.safetensors'))
    grey = {key: value.sum(1, keepdim=True) if key == 'conv1.weight' else value for key, value in published.state_dict().items()}
    write_safetensors(tmp_path / 'grey.safetensors', grey)
    with pytest.raises(InputError, match=r'conv1\.weight: \(64, 1, 7, 7\) in the file, \(64, 3, 7, 7\) in the model'):
        check_pretrained(resnet(tmp_path / 'grey.safetensors'))


def test_a_part_is_not_enough(published, tmp_path):
    state = published.state_dict()
    write_safetensors(tmp_path / 'part.safetensors', {key: value for key, value in state.items() if key != 'bn1.running_var'})
    network = resnet(tmp_path / 'part.safetensors')
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(InputError, match=r'1 missing from the file: bn1\.running_var'):
        network.init_weights()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    write_safetensors(tmp_path / 'foreign.safetensors', {f'student.net.{key}': value for key, value in state.items()})
    with pytest.raises(InputError, match=r'nothing in .* has the names of ResNet \(conv1\.weight.*student\.net\.\S+.*MoCo v1 and v2'):
        backbone_tensors(network, str(tmp_path / 'foreign.safetensors'))
    with pytest.raises(InputError, match='no checkpoint at'):
        backbone_tensors(network, str(tmp_path / 'none.pth'))


def test_a_backbone_without_its_last_stage_and_that_stage_with_a_new_norm(published, tmp_path):
    """R50-C4: three stages in the backbone, the fourth in the RoI head with a new norm layer."""
    from mmpretrain.models.utils.res_layer_extra_norm import ResLayerExtraNorm

    write_safetensors(tmp_path / 'b.safetensors', {f'backbone.{key}': value for key, value in published.state_dict().items()})
    init_cfg = dict(type='mmbdg.PretrainedBackbone', checkpoint=str(tmp_path / 'b.safetensors'))
    three = resnet(tmp_path / 'b.safetensors', num_stages=3, strides=(1, 2, 2), dilations=(1, 1, 1), out_indices=(2,))
    fourth = ResLayerExtraNorm(depth=18, stage=3, norm_cfg=NORM, norm_eval=False, init_cfg=init_cfg | dict(fresh=('norm',)))
    image = torch.randn(1, 3, 64, 64)
    for part in (three, fourth):
        part.init_weights()
        part.eval()
    expected = features(published, image) / (1 + 1e-5) ** 0.5  # the new norm layer has initial statistics
    torch.testing.assert_close(fourth(three(image)[-1]), expected)
    with pytest.raises(InputError, match=r'missing from the file: norm\.weight'):
        ResLayerExtraNorm(depth=18, stage=3, norm_cfg=NORM, init_cfg=init_cfg).init_weights()


def test_blocks_do_not_overwrite_what_arrived(published, tmp_path):
    """Loaded weights are not overwritten, although mmengine initialises children after their parent."""
    write_safetensors(tmp_path / 'b.safetensors', published.state_dict())
    network = resnet(tmp_path / 'b.safetensors')
    assert network.bn1.num_batches_tracked == 0
    network.layer1[0].init_cfg = dict(type='Constant', layer='Conv2d', val=0.0)
    network.init_weights()
    assert all(torch.equal(value, published.state_dict()[key]) for key, value in network.state_dict().items())
    assert network.bn1.num_batches_tracked == 1


CONFIG = """
pretrained = 'a.pth'
init_cfg = dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)
heads = [dict(init_cfg=dict(type='Normal'))]
model = dict(type='X', backbone=dict(init_cfg=init_cfg), roi_head=dict(shared_head=dict(init_cfg=init_cfg)), heads=heads)
"""


def test_no_checkpoint_is_the_initialisation_of_the_class(tmp_path):
    (tmp_path / 'c.py').write_text(CONFIG)
    (tmp_path / 'child.py').write_text("_base_ = 'c.py'\npretrained = None\n")

    def load(name, options=None):
        return load_config(Namespace(config=str(tmp_path / name), cfg_options=options, work_dir=None, launcher='none', local_rank=0)).model

    for model in (load('child.py'), load('c.py', dict(pretrained=None))):
        assert model.backbone.init_cfg is None and model.roi_head.shared_head.init_cfg is None
        assert model.heads[0].init_cfg.type == 'Normal'
    model = load('c.py', dict(pretrained='b.pth'))
    assert model.backbone.init_cfg.checkpoint == model.roi_head.shared_head.init_cfg.checkpoint == 'b.pth'


def test_weights_that_are_no_numbers(published, tmp_path):
    state = {key: value.clone() for key, value in published.state_dict().items()}
    state['layer1.0.conv1.weight'][0] = float('inf')
    torch.save(state, tmp_path / 'failed.pth')
    with pytest.raises(InputError, match=r'failed.pth: 1 of .* tensors hold NaN or infinity \(layer1.0.conv1.weight\)'):
        backbone_tensors(resnet(), str(tmp_path / 'failed.pth'))
