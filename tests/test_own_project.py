"""Users' projects: own configs and short tools with mmengine's Runner, in a folder of their own."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from conftest import ROOT, plan_of, run_tool
from mmengine.config import Config
from mmengine.registry import DATA_SAMPLERS, DATASETS, DefaultScope
from PIL import Image

from mmbdg.compat.checkpoint import read_checkpoint, read_state_dict
from mmbdg.files import write_safetensors
from mmbdg.synthesis import synthesize

TRAIN = """
import sys
from mmengine.config import Config
from mmengine.runner import Runner

cfg = Config.fromfile(sys.argv[1])
cfg.work_dir = 'work_dirs'
Runner.from_cfg(cfg).train()
"""
SEGMENTOR = """
default_scope = 'mmseg'
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomCrop', crop_size=(32, 32)),
    dict(type='PackSegInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CityscapesDataset', data_root='data/cityscapes', pipeline=train_pipeline),
)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True, size=(32, 32)
    ),
    backbone=dict(type='ResNet', depth=18, frozen_stages=4, norm_eval=True, norm_cfg=dict(type='BN', requires_grad=False)),
    decode_head=dict(
        type='FCNHead', in_channels=512, channels=16, num_convs=1, num_classes=11, norm_cfg=dict(type='BN'), align_corners=False
    ),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=3)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=3, by_epoch=False), logger=dict(type='LoggerHook', interval=1))
log_processor = dict(by_epoch=False)
"""


def blocks(page: str) -> list[str]:
    """The blocks of Python in a page that are configs."""
    found = re.findall(r'```python\n(.*?)```', (ROOT / page).read_text(), flags=re.S)
    return [block for block in found if block.startswith('_base_')]


def pretrained(depth: int) -> dict[str, torch.Tensor]:
    """State dict of a random backbone with the key names that mmseg, mmdet, mmpretrain and torchvision share."""
    network = getattr(torchvision.models, f'resnet{depth}')()
    state = {key: value for key, value in network.state_dict().items() if not key.startswith('fc.')}
    for key, value in state.items():
        if key.endswith(('running_mean', 'running_var')):
            value.uniform_(0.5, 1.5)
    return state


@pytest.fixture
def project(tmp_path) -> Path:
    for folder in ('tools', 'configs'):
        (tmp_path / folder).mkdir()
    (tmp_path / 'tools/train.py').write_text(TRAIN)
    (tmp_path / 'configs/your_config.py').write_text(SEGMENTOR)
    return tmp_path


def losses(project: Path) -> list[float]:
    (scalars,) = project.glob('work_dirs/*/vis_data/scalars.json')
    return [json.loads(line)['loss'] for line in scalars.read_text().splitlines()]


def test_the_lines_of_the_readme(project):
    """The lines of the README and of the tutorial add the synthetic dataset and the backbone to a plain segmentation config."""
    synthesize(plan_of('fashion32', num_per_class=2, candidates=2), project / 'data/garments')
    backbone = pretrained(18)
    torch.save(dict(state_dict={f'backbone.{key}': value for key, value in backbone.items()}), project / 'checkpoint.pth')
    run_tool(ROOT / 'tools/extract_backbone.py', 'checkpoint.pth', 'backbone.safetensors', cwd=project)
    (both,) = blocks('README.md')
    (project / 'configs/pretrained.py').write_text(both)
    dataset, weights = blocks('docs/tutorials/mmseg_project.md')  # the same in two steps
    (project / 'configs/garments.py').write_text(dataset)
    (project / 'configs/two_steps.py').write_text(weights.replace('your_config.py', 'garments.py'))
    one, two = (Config.fromfile(project / f'configs/{name}.py') for name in ('pretrained', 'two_steps'))
    assert one.train_dataloader == two.train_dataloader and one.model == two.model
    run_tool('tools/train.py', 'configs/pretrained.py', cwd=project)

    trained = read_state_dict(project / 'work_dirs/iter_3.pth', 'backbone.')
    assert trained.keys() == backbone.keys() and all(torch.equal(trained[key], backbone[key]) for key in backbone)  # loaded and frozen
    found = losses(project)
    assert len(found) == 3 and all(0 < loss < 20 for loss in found)
    classes = read_checkpoint(project / 'work_dirs/iter_3.pth')['meta']['dataset_meta']['classes']
    assert len(classes) == 11 and 'sneaker' in classes


def test_our_configs_as_bases(project, tmp_path_factory):
    """A config can inherit from the main config by ``mmbdg::``.

    A plain Runner trains it under another default scope. The dataset is made in a cache.
    """
    (project / 'tools/train.py').write_text('import mmbdg\n' + TRAIN)
    (project / 'configs/joint.py').write_text("""
_base_ = 'mmbdg::densecl_biggan_fpn.py'
default_scope = 'mmseg'
train_cfg = dict(max_iters=2)
val_cfg = val_dataloader = val_evaluator = None
custom_hooks = []
model = dict(queue_len=8)
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(seg=dict(prepare=dict(num_per_class=1, candidates=2, rejection_rate=0, uncertainty_rate=0))),
)
default_hooks = dict(logger=dict(interval=1))
""")
    cache = str(tmp_path_factory.mktemp('cache'))
    output = run_tool('tools/train.py', 'configs/joint.py', cwd=project, MMBDG_CACHE=cache).stdout
    assert '10 labelled images' in output and (project / 'work_dirs/iter_2.pth').is_file()
    assert len(losses(project)) == 2
    with open(project / 'work_dirs/last_checkpoint') as file:
        assert Config.fromfile(project / 'work_dirs/joint.py').default_scope == 'mmseg' and 'iter_2.pth' in file.read()


CONFIGS = {
    'mmdet::_base_/models/mask-rcnn_r50_fpn.py': 'backbone=dict(init_cfg=dict(checkpoint=',  # type='Pretrained' is in the base config
    'mmpretrain::_base_/models/resnet50.py': "backbone=dict(init_cfg=dict(type='Pretrained', checkpoint=",
    'mmseg::_base_/models/fpn_r50.py': "pretrained=None, backbone=dict(type='ResNet', init_cfg=dict(type='Pretrained', checkpoint=",
}
BUILD = """
import sys
import mmbdg  # for mmseg:: in its maintained release
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader

weights = CheckpointLoader.load_checkpoint('backbone.safetensors')
for path in sys.argv[1:]:
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    before = {key: value.clone() for key, value in model.backbone.state_dict().items()}
    model.init_weights()
    after = model.backbone.state_dict()
    changed = sum(not torch.equal(after[key], before[key]) for key in after)
    print('ARRIVED', path, after.keys() == weights.keys() and all(torch.equal(after[key], weights[key]) for key in after), changed > 100)
"""


def test_a_detector_a_classifier_and_mmsegs_own_base(project):
    pytest.importorskip('mmdet', reason='pip install "mmbdg[det]"')
    write_safetensors(project / 'backbone.safetensors', pretrained(50))
    (project / 'tools/build.py').write_text(BUILD)
    names = []
    for base, start in CONFIGS.items():
        package = base.split(':')[0]
        names.append(f'configs/{package}.py')
        (project / names[-1]).write_text(
            f"_base_ = '{base}'\ndefault_scope = '{package}'\ncustom_imports = dict(imports=['mmbdg'])\n"
            f"model = dict({start}'backbone.safetensors')))\n"
        )
    output = run_tool('tools/build.py', *names, cwd=project).stdout
    for name in names:
        assert f'ARRIVED {name} True True' in output, output[-3000:]


def test_the_lines_of_the_mmdet_tutorial(project, monkeypatch):
    """The tutorial's dataset pastes objects into the user's images, and its backbone is that of a detector."""
    pytest.importorskip('mmdet', reason='pip install "mmbdg[det]"')
    monkeypatch.chdir(project)
    synthesize(plan_of('fashion32', num_per_class=2, candidates=2), project / 'data/garments')
    images = project / 'data/yours/images'
    images.mkdir(parents=True)
    Image.fromarray(np.full((96, 128, 3), 90, np.uint8)).save(images / 'a.png')
    corners = [10, 10, 30, 10, 30, 40, 10, 40]
    annotation = dict(id=1, image_id=1, category_id=2, bbox=[10, 10, 20, 30], area=600, iscrowd=0, segmentation=[corners])
    content = dict(
        images=[dict(id=1, file_name='a.png', width=128, height=96)],
        annotations=[annotation],
        categories=[dict(id=1, name='bag'), dict(id=2, name='shoe')],
    )
    (project / 'data/yours/train.json').write_text(json.dumps(content))
    (project / 'configs/your_config.py').write_text(
        "_base_ = ['mmdet::_base_/models/mask-rcnn_r50_fpn.py', 'mmdet::_base_/datasets/coco_instance.py']\ndefault_scope = 'mmdet'\n"
    )
    pasting, weights = blocks('docs/tutorials/mmdet_project.md')
    (project / 'configs/pasted.py').write_text(pasting)
    (project / 'configs/backbone.py').write_text(weights)
    assert Config.fromfile(project / 'configs/backbone.py').model.backbone.init_cfg.checkpoint == 'backbone.safetensors'
    cfg = Config.fromfile(project / 'configs/pasted.py')
    with DefaultScope.overwrite_default_scope('mmdet'):
        dataset = DATASETS.build(cfg.train_dataloader.dataset)
        sampler = DATA_SAMPLERS.build(dict(cfg.train_dataloader.sampler, dataset=dataset))
        labels = [dataset[address]['data_samples'].gt_instances.labels.tolist() for address, _ in zip(sampler, range(1), strict=False)]
    assert len(labels[0]) >= 2 and 1 in labels[0] and set(labels[0]) <= {0, 1}  # the shoe of the image, and pasted bags and shoes
