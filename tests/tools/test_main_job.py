"""The main config from synthesis to transfer, a few iterations each."""

import json
import math
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, run_tool
from PIL import Image

import mmbdg
from mmbdg.compat.checkpoint import read_checkpoint, read_state_dict
from mmbdg.datasets.fashion_files import CLASSES
from mmbdg.files import sha256
from mmbdg.registry import MODELS

CONFIG = 'configs/densecl_biggan_fpn.py'
TRANSFER = 'configs/transfer/fashion/fpn_r18_frozen.py'
SMALL = ('train_dataloader.batch_size=16', 'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False')
QUEUE, FEW_SAMPLES = 'model.queue_len=32', 'train_dataloader.dataset.seg.prepare.num_per_class=2'
SHORT = (*SMALL, 'iterations=6', QUEUE, 'custom_hooks.0.window=2', FEW_SAMPLES)
FEW_TEST_IMAGES = ('test_dataloader.dataset.label_fraction=0.05', 'val_dataloader.dataset.label_fraction=0.05')


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    return dict(MMBDG_CACHE=str(tmp_path_factory.mktemp('cache')))


@pytest.fixture(scope='module')
def work_dir(tmp_path_factory, cache):
    path = tmp_path_factory.mktemp('work')
    result = run_tool('tools/train.py', CONFIG, '--work-dir', path, '--cfg-options', *SHORT, *FEW_TEST_IMAGES, **cache)
    (path / 'output.txt').write_text(result.stdout)
    return path


def test_says_what_it_does(work_dir):
    output = (work_dir / 'output.txt').read_text()
    assert 'generated once' in output and '20 labelled images' in output
    assert 'rise until the queue has been filled once, at iteration 2' in output
    assert 'the queue has been filled once; losses are comparable from here' in output
    assert f'next: python tools/extract_backbone.py {work_dir}/iter_6.pth {work_dir}/backbone.safetensors' in output


def test_leaves_what_it_promises(work_dir):
    assert (work_dir / 'iter_6.pth').is_file()
    picture = np.asarray(Image.open(work_dir / 'predictions.png'))
    assert picture.shape[1] > picture.shape[0] * 0.8 and picture.std() > 20
    report = json.loads((work_dir / 'losses.json').read_text())
    assert report['fill'] == 2 and {'loss', 'loss_single', 'loss_dense', 'seg.loss_ce'} <= set(report['losses'])


def test_reports_miou(work_dir):
    result = run_tool(
        *('tools/test.py', CONFIG, work_dir / 'iter_6.pth', '--work-dir', work_dir, '--entropy', '--cfg-options', QUEUE, *FEW_TEST_IMAGES)
    )
    assert 'mIoU' in result.stdout
    found = json.loads((work_dir / 'test.json').read_text())
    assert 0 <= found['metrics']['mIoU'] <= 100
    assert found['entropy']['labels'] == 11 and all(0 < one['entropy'] < math.log(11) for one in found['entropy']['per_class'].values())


def test_resumes(work_dir, cache, tmp_path):
    copy = tmp_path / 'copy'  # resuming deletes the old checkpoint
    shutil.copytree(work_dir, copy)
    (copy / 'last_checkpoint').write_text(str(copy / 'iter_6.pth'))
    result = run_tool(
        'tools/train.py', CONFIG, '--work-dir', copy, '--resume', '--cfg-options', *SHORT, *FEW_TEST_IMAGES, 'iterations=8',
        **cache,
    )  # fmt: skip
    assert 'resumed epoch: 0, iter: 6' in result.stdout and (copy / 'iter_8.pth').is_file()


@pytest.fixture(scope='module')
def backbone(work_dir):
    path = work_dir / 'backbone.safetensors'
    run_tool('tools/extract_backbone.py', work_dir / 'iter_6.pth', path)
    return path


def test_extracted_backbone_is_a_plain_resnet(work_dir, backbone):
    state = read_state_dict(backbone)
    assert state.keys() == MODELS.build(dict(type='mmseg.ResNet', depth=18)).state_dict().keys()
    assert torch.equal(state['conv1.weight'], read_state_dict(work_dir / 'iter_6.pth')['backbone.conv1.weight'])


def test_transfer_keeps_the_backbone_frozen(backbone, tmp_path):
    options = (*SMALL, 'iterations=4', f'pretrained={backbone}', 'label_fraction=0.01', *FEW_TEST_IMAGES)
    run_tool('tools/train.py', TRANSFER, '--work-dir', tmp_path, '--cfg-options', *options)
    trained, before = read_state_dict(tmp_path / 'iter_4.pth', 'backbone.'), read_state_dict(backbone)
    assert all(torch.equal(trained[key], before[key]) for key in before)
    run_tool('tools/test.py', TRANSFER, tmp_path / 'iter_4.pth', '--work-dir', tmp_path, '--cfg-options', *FEW_TEST_IMAGES)
    measured = json.loads((tmp_path / 'test.json').read_text())
    assert 'mIoU' in measured['metrics'] and measured['checkpoint_sha256'] == sha256(tmp_path / 'iter_4.pth')
    assert measured['seed'] == read_checkpoint(tmp_path / 'iter_4.pth')['meta']['seed'] and measured['version'] == mmbdg.__version__
    assert measured['test_set']['labels'] == ['background', *CLASSES] and 0 < measured['test_set']['images'] < 1000


def test_browse(tmp_path, cache, work_dir):
    out = tmp_path / 'b.png'
    run_tool('tools/browse_dataset.py', CONFIG, out, '--num', '6', '--columns', '3', '--cfg-options', FEW_SAMPLES, **cache)
    assert np.asarray(Image.open(out)).shape == (2 * (128 + 2) + 2, 3 * 66 + 2, 3)
    run_tool('tools/browse_dataset.py', TRANSFER, out, '--split', 'test', '--num', '2')
    assert np.asarray(Image.open(out)).shape[0] == 132


def test_transfer_from_a_checkpoint_of_another_architecture(tmp_path):
    result = run_tool(
        'tools/train.py',
        TRANSFER,
        '--work-dir',
        tmp_path,
        '--cfg-options',
        'pretrained=mmbdg/assets/fashion32/classifier.safetensors',
        check=False,
    )
    assert result.returncode == 2 and 'of another depth' in result.stdout and 'Traceback' not in result.stdout
    assert not list(tmp_path.glob('*.pth'))


def test_testing_a_checkpoint_of_another_architecture(backbone):
    result = run_tool('tools/test.py', TRANSFER, backbone, check=False)
    assert result.returncode == 2 and 'missing from the file' in result.stdout


SPY = """
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

@HOOKS.register_module()
class Spy(Hook):
    def save(self, runner, name):
        model = runner.model.module
        kept = dict(model.named_parameters()) | {key: value for key, value in model.named_buffers() if 'queue' in key}
        torch.save(dict(state_dict={key: value.detach() for key, value in kept.items()}), f'{runner.work_dir}/{name}{runner.rank}.pth')

    def before_train(self, runner):
        self.save(runner, 'start')

    def after_train(self, runner):
        self.save(runner, 'rank')
"""


def test_a_queue_takes_whole_batches(tmp_path, cache):
    options = (*SHORT, *FEW_TEST_IMAGES, 'train_dataloader.batch_size=12')
    result = run_tool('tools/train.py', CONFIG, '--work-dir', tmp_path, '--cfg-options', *options, check=False, **cache)
    assert result.returncode == 2 and 'the queue length 32 is not a multiple of the total batch size 12 (12 x 1 processes)' in result.stdout


def test_two_processes_without_a_gpu(tmp_path, cache):
    """dist_train.sh with gloo: rank 0 makes the dataset while rank 1 waits.

    It uses bfloat16, gradient accumulation over two batches and activation checkpointing. Queues and weights stay equal in both
    processes, which the training's own check after 20 iterations confirms.
    """
    (tmp_path / 'spy.py').write_text(SPY)
    (tmp_path / 'config.py').write_text(
        f"_base_ = '{ROOT / CONFIG}'\ncustom_imports = dict(imports=['spy'])\ncustom_hooks = [dict(type='mmengine.Spy')]\n"
        'model = dict(backbone=dict(base_channels=4, stem_channels=4), neck=dict(in_channels=32, hid_channels=64),\n'
        '             seg_neck=dict(in_channels=[4, 8, 16, 32], out_channels=16), seg_head=dict(in_channels=[16] * 4, channels=16),\n'
        '             activation_checkpointing=True)\n'
    )
    short = [option for option in SHORT if not option.startswith('custom_hooks')]
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    environment = dict(
        OMP_NUM_THREADS='1', PYTHONPATH=str(tmp_path), PORT=str(port), PATH=f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    )
    result = subprocess.run(
        [
            ROOT / 'tools/dist_train.sh', tmp_path / 'config.py', '2', '--work-dir', tmp_path, '--amp', '--cfg-options', *short,
            *FEW_TEST_IMAGES, 'iterations=21', 'train_dataloader.batch_size=8', 'train_dataloader.dataset.seg.prepare.seed=5',
            'optim_wrapper.accumulative_counts=2',
        ],
        env=os.environ | environment | cache, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-6000:]
    assert 'the processes use gloo' in result.stdout and result.stdout.count('labelled images in') == 1
    assert 'iteration 20: ' in result.stdout and 'weights and buffers are equal on all 2 processes' in result.stdout
    states = [read_state_dict(tmp_path / f'rank{rank}.pth') for rank in (0, 1)]
    assert states[0]['queue_ptr'].item() == 21 * 16 % 32  # keys of both processes
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert {value.dtype for key, value in states[0].items() if key.endswith('weight')} == {torch.float32}
    assert not torch.equal(states[0]['backbone.conv1.weight'], read_state_dict(tmp_path / 'start0.pth')['backbone.conv1.weight'])
    trained = read_state_dict(tmp_path / 'iter_21.pth')
    assert trained['backbone.bn1.num_batches_tracked'] == trained['backbone.layer1.0.bn1.num_batches_tracked'] == 2 * 21


def test_hostile_checkpoint_is_not_executed(tmp_path):
    code = f"import os, torch\nclass H:\n    def __reduce__(self): return os.system, ('touch {tmp_path}/executed',)\n"
    run_tool('-c', code + f"torch.save(dict(state_dict=dict(a=torch.ones(1)), x=H()), '{tmp_path}/h.pth')")
    result = run_tool('tools/extract_backbone.py', tmp_path / 'h.pth', tmp_path / 'o.safetensors', check=False)
    assert result.returncode == 2 and 'could run code' in result.stdout
    result = run_tool('tools/train.py', TRANSFER, '--work-dir', tmp_path, '--cfg-options', f'pretrained={tmp_path}/h.pth', check=False)
    assert result.returncode != 0 and 'could run code' in result.stdout
    assert not (tmp_path / 'executed').exists() and not (tmp_path / 'o.safetensors').exists()


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda root: next(root.glob('latents/*/bag/*.npy')).unlink(), 'has no latent'),
        (lambda root: next(root.glob('annotations/*/bag/*.png')).unlink(), 'has no mask'),
        (lambda root: [path.unlink() for path in root.glob('*/*/bag/*')], 'bag holds no masks'),
        (lambda root: Image.new('L', (20, 20)).save(next(root.glob('annotations/*/bag/*.png'))), 'is 20x20 px'),
    ],
)
def test_bad_annotated_latents(spoil, message, tmp_path):
    root = tmp_path / 'annotated'
    shutil.copytree(ROOT / 'mmbdg/assets/fashion32/annotated_latents', root)
    spoil(root)
    before = {path: path.read_bytes() for path in root.rglob('*') if path.is_file()}
    config = 'configs/interpreter/biggan32_fashion.py'
    result = run_tool('tools/train.py', config, '--work-dir', tmp_path / 'work', '--cfg-options', f'annotated={root}', check=False)
    assert result.returncode == 2 and message in result.stdout and 'Traceback' not in result.stdout
    assert {path: path.read_bytes() for path in root.rglob('*') if path.is_file()} == before
    assert not list((tmp_path / 'work').rglob('*.pth')) and not (tmp_path / 'work' / 'labelled_generator').exists()


def test_missing_data_is_named(tmp_path):
    result = run_tool('tools/train.py', 'configs/densecl_biggan_fpn_in1k.py', '--work-dir', tmp_path / 'w', check=False)
    assert result.returncode == 2 and 'Traceback' not in result.stdout
    for what in ('data/imagenet/train/<wnid>', 'tools/synthesize.py configs/synthesis/biggan512_in1k.py', 'densecl_r50_150of200ep_in1k.py'):
        assert what in result.stdout
    tested = run_tool('tools/test.py', 'configs/densecl_biggan_fpn_in1k.py', 'x.pth', '--work-dir', tmp_path / 'w', check=False)
    assert tested.returncode == 2 and 'has no test_dataloader' in tested.stdout and 'Traceback' not in tested.stdout
    assert not (tmp_path / 'w').exists()


def test_fewer_samples_than_a_batch(tmp_path):
    result = run_tool(
        'tools/train.py', 'configs/classifier/resnet_fashion32.py', '--work-dir', tmp_path,
        '--cfg-options', 'train_dataloader.dataset.label_fraction=0.01', check=False,
    )  # fmt: skip
    assert result.returncode == 2 and '100 samples, fewer than one batch of 128' in result.stdout
