"""tools/extract_backbone.py on checkpoints of mmengine."""

import hashlib
import json
import sys

import pytest
import timm
import torch
from conftest import ROOT
from mmengine.config import Config
from safetensors import safe_open

from mmbdg.backbones import read_origin
from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.errors import InputError

COMMIT = '0123456789abcdef' * 2 + '01234567'
RGB = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
CONFIG = dict(
    model=dict(
        type='mmbdg.JointDenseCL',
        data_preprocessor=dict(
            type='mmbdg.JointDataPreprocessor',
            ssl=dict(type='mmpretrain.SelfSupDataPreprocessor', to_rgb=True, **RGB),
            seg=dict(type='mmseg.SegDataPreProcessor', bgr_to_rgb=True, mean=[1.0] * 3, std=[1.0] * 3),
        ),
        backbone=dict(type='mmseg.ResNet', depth=18, out_indices=(3,), norm_cfg=dict(type='SyncBN')),
        seg_head=dict(type='mmseg.FPNHead'),
    ),
    train_dataloader=dict(
        dataset=dict(
            type='mmbdg.JointDataset',
            ssl=dict(type='mmpretrain.ImageNet', data_root='data/imagenet', pipeline=[dict(type='LoadImageFromFile')]),
            seg=dict(type='mmbdg.SyntheticSegDataset', data_root='data/sim', label_space='mc992', pipeline=[]),
        )
    ),
)


@pytest.fixture(scope='module')
def resnet() -> torch.nn.Module:
    torch.manual_seed(0)
    network = timm.create_model('resnet18', num_classes=0)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5) if value.ndim == 1 else value.normal_(std=0.05)
    return network.eval()


def save(path, network, config=CONFIG, text=None, **more):
    """Save a checkpoint in the format of mmengine's Runner, with the config's text and a commit in the version."""
    own = {f'backbone.{key}': value for key, value in network.state_dict().items()}
    key_encoder = {f'encoder_k.module.0.{key}': value + 1 for key, value in network.state_dict().items()}
    meta = dict(iter=240, epoch=3, seed=7, time='20260101_000000', mmengine_version=f'0.10.12{COMMIT}')
    if config or text:
        meta['cfg'] = text or Config(config).pretty_text
    torch.save(dict(meta=meta, state_dict=own | key_encoder | {'queue': torch.zeros(2)} | more, message_hub=dict()), path)
    return path


@pytest.fixture(scope='module')
def checkpoint(resnet, tmp_path_factory):
    return save(tmp_path_factory.mktemp('checkpoint') / 'iter_240.pth', resnet)


@pytest.fixture
def extract(monkeypatch, capsys):
    """Function that runs the tool in this process and returns (exit code, output)."""
    import runpy

    def run(*arguments) -> tuple[int, str]:
        monkeypatch.setattr(sys, 'argv', ['extract_backbone.py', *map(str, arguments)])
        try:
            runpy.run_path(str(ROOT / 'tools/extract_backbone.py'), run_name='__main__')
            code = 0
        except SystemExit as end:
            code = end.code
        output = capsys.readouterr()
        return code, output.out + output.err

    return run


def test_the_card(extract, checkpoint, resnet, tmp_path):
    out = tmp_path / 'backbone.safetensors'
    assert extract(checkpoint, out)[0] == 0
    card = json.loads((tmp_path / 'backbone.card.json').read_text())
    assert card['sha256'] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert card['checkpoint'] == dict(file='iter_240.pth', sha256=hashlib.sha256(checkpoint.read_bytes()).hexdigest())
    assert card['what'] == 'mmseg.ResNet of depth 18, pre-trained by mmbdg.JointDenseCL, iteration 240'
    assert (card['method'], card['layout'], card['iterations'], card['epochs'], card['seed']) == (
        'mmbdg.JointDenseCL',
        'openmmlab',
        240,
        3,
        7,
    )
    assert card['commit'] == COMMIT and card['trained']['mmengine'] == '0.10.12'
    assert card['input'] == dict(  # those of the real images
        channels='RGB', **RGB, mean_of_0_to_1=[0.485, 0.456, 0.406], std_of_0_to_1=[0.229, 0.224, 0.225]
    )
    assert card['data'] == dict(
        type='mmbdg.JointDataset',
        ssl=dict(type='mmpretrain.ImageNet', data_root='data/imagenet'),
        seg=dict(type='mmbdg.SyntheticSegDataset', data_root='data/sim', label_space='mc992'),
    )
    assert card['backbone']['depth'] == 18 and card['config'] == Config(CONFIG).pretty_text
    assert card['versions']['torch'] == torch.__version__.split('+')[0]
    with safe_open(out, 'pt') as file:
        assert json.loads(file.metadata()['card']) == {key: value for key, value in card.items() if key != 'sha256'}
    assert all(torch.equal(value, resnet.state_dict()[key]) for key, value in read_state_dict(out).items())


@pytest.mark.parametrize('suffix', ['.safetensors', '.pth'])
def test_timm_loads_it_by_name(extract, checkpoint, resnet, suffix, tmp_path):
    out = tmp_path / f'timm{suffix}'
    code, output = extract(checkpoint, out, '--layout', 'timm')
    network = json.loads(out.with_suffix('.card.json').read_text())['network']
    assert code == 0 and f'timm builds this network as {network}' in output
    loaded = eval(network.replace(')', f", checkpoint_path='{out}')"), dict(timm=timm))
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), resnet(images))


def test_detectron2(extract, checkpoint, tmp_path):
    assert 'OUT must end in .pth' in extract(checkpoint, tmp_path / 'd.safetensors', '--layout', 'detectron2')[1]
    out = tmp_path / 'd.pth'
    assert extract(checkpoint, out, '--layout', 'detectron2')[0] == 0
    content = torch.load(out, weights_only=True)
    assert content['matching_heuristics'] is True and content['model']['res3.0.shortcut.norm.weight'].shape == (128,)
    assert json.loads((tmp_path / 'd.card.json').read_text())['network'] == {
        'MODEL.RESNETS.DEPTH': 18,
        'MODEL.RESNETS.RES2_OUT_CHANNELS': 64,
        'MODEL.RESNETS.STRIDE_IN_1X1': False,
        'MODEL.RESNETS.RES5_DILATION': 1,
        'INPUT.FORMAT': 'RGB',
        'MODEL.PIXEL_MEAN': RGB['mean'],
        'MODEL.PIXEL_STD': RGB['std'],
    }


def test_momentum_encoder_is_built_as_the_backbone(extract, checkpoint, resnet, tmp_path):
    out = tmp_path / 'k.safetensors'
    assert extract(checkpoint, out, '--prefix', 'encoder_k.module.0.', '--layout', 'torchvision')[0] == 0
    assert torch.equal(read_state_dict(out)['conv1.weight'], resnet.conv1.weight + 1)
    assert extract(checkpoint, out, '--prefix', 'queue')[0] == 0  # any tensors can be kept under their own names
    code, output = extract(checkpoint, out, '--prefix', 'queue', '--layout', 'timm')
    assert code == 2 and 'the checkpoint has no config of the backbone' in output


def test_another_network_is_refused(extract, resnet, tmp_path):
    config = Config(CONFIG)
    config.model.backbone.update(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2))
    path = save(tmp_path / 'dilated.pth', resnet, config.to_dict())
    for layout in ('torchvision', 'timm', 'detectron2'):
        code, output = extract(path, tmp_path / 'out.pth', '--layout', layout)
        assert code == 2 and 'strides (1, 2, 2, 1)' in output and 'Use --layout openmmlab' in output
    assert not list(tmp_path.glob('out*'))


def test_without_a_config_the_user_states_it(extract, resnet, tmp_path):
    path, out = save(tmp_path / 'bare.pth', resnet, None), tmp_path / 'out.safetensors'
    code, output = extract(path, out, '--layout', 'timm')
    assert code == 2 and '--backbone type=ResNet depth=50' in output and not out.exists()
    code, output = extract(path, out, '--layout', 'timm', '--backbone', 'type=ResNet', 'depth=18', 'norm_cfg.type=SyncBN')
    assert code == 0 and 'does not say how images were normalised' in output
    card = json.loads((tmp_path / 'out.card.json').read_text())
    assert card['backbone'] == dict(type='ResNet', depth=18, norm_cfg=dict(type='SyncBN'))
    assert [card[key] for key in ('input', 'method', 'data', 'config')] == [None] * 4
    code, output = extract(path, out, '--layout', 'timm', '--backbone', 'type=ResNet', 'depth=34')
    assert code == 2 and 'do not match a plain ResNet-34' in output


def test_a_checkpoint_that_says_it_is_not_overruled(extract, checkpoint, tmp_path):
    code, output = extract(checkpoint, tmp_path / 'o.pth', '--backbone', 'type=ResNet', 'depth=18')
    assert code == 2 and 'has a config of the backbone; --backbone' in output


def test_a_config_is_not_run(extract, resnet, tmp_path):
    text = f"import os\nos.system('touch {tmp_path}/executed')\nmodel = dict(backbone=dict(type='ResNet', depth=18))\n"
    path, out = save(tmp_path / 'hostile.pth', resnet, text=text), tmp_path / 'o.safetensors'
    code, output = extract(path, out, '--layout', 'timm')
    assert code == 2 and 'holds more than plain values (line 1)' in output and not out.exists()
    assert extract(path, out)[0] == 0  # tensors only
    assert not (tmp_path / 'executed').exists()


def test_out_is_not_the_checkpoint(extract, checkpoint):
    before = checkpoint.read_bytes()
    code, output = extract(checkpoint, checkpoint)
    assert code == 2 and 'is the checkpoint itself' in output and checkpoint.read_bytes() == before


def test_versions_without_a_commit():
    def commit(version):
        return read_origin(dict(meta=dict(mmengine_version=version)), '', 'x').commit

    assert commit(f'0.10.12{COMMIT}') == COMMIT and commit('0.10.12') is None and commit('0.10.12unknown') is None
    assert read_origin({}, '', 'x').meta == {}
    with pytest.raises(InputError, match='has a config of the backbone'):
        read_origin(dict(meta=dict(cfg="model = dict(backbone=dict(type='ResNet'))")), 'backbone.', 'x', dict(type='ResNet'))
