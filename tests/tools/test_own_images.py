"""configs/own: every step on a handful of RGB images, as its README says."""

import shutil

import numpy as np
import pytest
from conftest import ROOT, run_tool
from PIL import Image, ImageDraw

from mmbdg.synthesis import StoredDataset

CLASSES = ('disc', 'square')


def draw(kind, rng):
    """A coloured shape on a coloured ground, 72x64 px, and its mask."""
    image = Image.new('RGB', (72, 64), tuple(rng.integers(0, 120, 3).tolist()))
    mask = Image.new('L', (72, 64))
    x, y, r = rng.integers(20, 44), rng.integers(20, 44), rng.integers(10, 18)
    for canvas, colour in ((image, tuple(rng.integers(120, 256, 3).tolist())), (mask, CLASSES.index(kind) + 1)):
        (ImageDraw.Draw(canvas).ellipse if kind == 'disc' else ImageDraw.Draw(canvas).rectangle)((x - r, y - r, x + r, y + r), fill=colour)
    return image, mask


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A user's folder: the configs copied and edited, images, a few with masks."""
    root, rng = tmp_path_factory.mktemp('project'), np.random.default_rng(0)
    shutil.copytree(ROOT / 'configs' / 'own', root / 'configs' / 'own')
    dataset = root / 'configs' / 'own' / 'dataset.py'
    dataset.write_text(dataset.read_text().replace("('first', 'second')", repr(CLASSES)))
    for kind in CLASSES:
        for i in range(8):
            image, mask = draw(kind, rng)
            labelled = root / 'data/own/labelled' / ('test' if i % 2 else 'train')
            for path in (root / 'data/own/images' / kind, labelled / 'images', labelled / 'masks'):
                path.mkdir(parents=True, exist_ok=True)
            image.save(root / 'data/own/images' / kind / f'{i}.png')
            image.save(labelled / 'images' / f'{kind}{i}.png')
            mask.save(labelled / 'masks' / f'{kind}{i}.png')
    return root


def test_every_step(project):
    def tool(name, *command):
        return run_tool(ROOT / 'tools' / name, *command, cwd=project).stdout

    small = ('train_dataloader.batch_size=8', 'train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False')
    tool('train.py', 'configs/own/classifier.py', '--cfg-options', *small, 'train_cfg.max_iters=4')
    tool(
        'train.py', 'configs/own/gan.py', '--cfg-options', *small, 'train_cfg.max_iters=4', 'train_cfg.val_interval=4',
        'default_hooks.checkpoint.interval=4', 'custom_hooks.0.num_samples=16', 'model.generator.base_channels=8',
        'model.discriminator.base_channels=8',
    )  # fmt: skip
    assert (project / 'work_dirs/own/gan/samples/iter_000004.png').is_file()
    narrow = ('model.generator.base_channels=8',)
    tool('annotate.py', 'sample', 'configs/own/interpreter.py', 'data/own/annotated', '--per-class', '2', '--cfg-options', *narrow)
    for path in (project / 'data/own/annotated/images/own').glob('*/*.png'):  # the annotator
        mask = np.asarray(Image.open(path)).mean(2) > 127
        out = project / 'data/own/annotated/annotations/own' / path.parent.name / path.name
        out.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask.astype(np.uint8) * 255).save(out)
    tool(
        'train.py', 'configs/own/interpreter.py', '--cfg-options', *narrow, 'train_cfg.max_iters=2', 'default_hooks.checkpoint.interval=2',
        'model.interpreter.num_members=2', 'model.interpreter.member.widths=(8,8,8)',
        'train_dataloader.sampler.num_members=2', 'train_dataloader.batch_size=8',
    )  # fmt: skip
    tool(
        'synthesize.py',
        'configs/own/synthesis.py',
        'data/own/synthetic',
        '--num-per-class',
        '6',
        '--cfg-options',
        'synthesis.candidates=40',
    )
    info = StoredDataset(project / 'data/own/synthetic').info
    assert info['counts'] == dict(disc=6, square=6)
    tool('train.py', 'configs/own/joint.py', '--cfg-options', *small, 'iterations=2', 'model.queue_len=16')
    tool('extract_backbone.py', 'work_dirs/own/joint/iter_2.pth', 'work_dirs/own/backbone.safetensors')
    tool('train.py', 'configs/own/transfer.py', '--cfg-options', *small, 'iterations=2')
    output = tool(
        'test.py', 'configs/own/transfer.py', 'work_dirs/own/transfer/iter_2.pth', '--cfg-options', 'test_dataloader.num_workers=0'
    )
    assert 'mIoU' in output and 'square' in output


def test_missing_steps_are_named(project, tmp_path):
    shutil.copytree(project / 'configs', tmp_path / 'configs')
    for config, message in (('joint', 'tools/synthesize.py configs/own/synthesis.py'), ('gan', 'tools/train.py configs/own/classifier.py')):
        result = run_tool(ROOT / 'tools' / 'train.py', f'configs/own/{config}.py', cwd=tmp_path, check=False)
        assert result.returncode == 2 and message in result.stdout
    result = run_tool(ROOT / 'tools' / 'train.py', 'configs/own/classifier.py', cwd=tmp_path, check=False)
    assert result.returncode == 2 and 'there is no image folder data/own/images' in result.stdout
