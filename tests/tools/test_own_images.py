"""configs/own: every step of its README on a few images, in a copied folder."""

import json
import shutil

import numpy as np
import pytest
from conftest import ROOT, run_tool
from PIL import Image, ImageDraw

from mmbdg.storage import StoredDataset

CLASSES = ('disc', 'square')
NARROW = {
    "widths = plan['shapes'], plan['widths']": (
        "widths = plan['shapes'], dict(plan['widths'], classifier=4, gan=8, autoencoder=16, unet=16, interpreter=(8, 8, 8))"
    )
}
RULE = 'def bright(image):\n    return image.mean(2) > 110\n'


def draw(kind, rng, size, grey):
    """A bright shape on a dark background, and its mask."""
    image, mask = Image.new('RGB', size, tuple(rng.integers(0, 120, 3).tolist())), Image.new('L', size)
    x, y, r = (
        rng.integers(0.3 * size[1], 0.6 * size[1]),
        rng.integers(0.3 * size[1], 0.6 * size[1]),
        rng.integers(size[1] // 6, size[1] // 4),
    )
    for canvas, colour in ((image, tuple(rng.integers(120, 256, 3).tolist())), (mask, CLASSES.index(kind) + 1)):
        (ImageDraw.Draw(canvas).ellipse if kind == 'disc' else ImageDraw.Draw(canvas).rectangle)((x - r, y - r, x + r, y + r), fill=colour)
    return (image.convert('L') if grey else image), mask


def project(root, resolution, size, grey, label_space):
    """Write a user's folder: edited copies of the configs, images, a few masks, and a rule for masks."""
    rng = np.random.default_rng(0)
    shutil.copytree(ROOT / 'configs' / 'own', root / 'mine')
    for file, changes in dict(
        dataset={
            "label_space = 'classes'": f"label_space = '{label_space}'",
            "('first', 'second')": repr(CLASSES),
            'resolution = 64': f'resolution = {resolution}',
        },
        networks=NARROW,
    ).items():
        path = root / 'mine' / f'{file}.py'
        text = path.read_text()
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        path.write_text(text)
    for kind in CLASSES:
        for i in range(8):
            image, mask = draw(kind, rng, size, grey)
            labelled = root / 'data/own/labelled' / ('test' if i % 2 else 'train')
            for path in (root / 'data/own/images' / kind, labelled / 'images', labelled / 'masks'):
                path.mkdir(parents=True, exist_ok=True)
            image.save(root / 'data/own/images' / kind / f'{i}.png')
            image.save(labelled / 'images' / f'{kind}{i}.png')
            mask.save(labelled / 'masks' / f'{kind}{i}.png')
    (root / 'rules.py').write_text(RULE)
    return root


STEPS = """
import runpy, sys

for line in open(sys.argv[1]).read().splitlines():
    print(f'$ {line}', flush=True)
    sys.argv = line.split()
    sys.path.insert(0, sys.argv[0].rpartition('/')[0])
    try:
        runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as end:
        if end.code:
            raise
    sys.stderr.flush()
"""


def run_steps(root, lines) -> list[str]:
    """Run several tools in one process, so that imports run once. Returns the output of each."""
    (root / 'steps.py').write_text(STEPS)
    (root / 'steps.txt').write_text('\n'.join(f'{ROOT}/tools/{line}' for line in lines))
    return run_tool(root / 'steps.py', 'steps.txt', cwd=root).stdout.split(f'$ {ROOT}/tools/')[1:]


@pytest.mark.parametrize(('resolution', 'size', 'grey', 'label_space'), [(64, (72, 64), False, 'classes'), (32, (28, 28), True, 'fgbg')])
def test_every_step(resolution, size, grey, label_space, tmp_path):
    root = project(tmp_path, resolution, size, grey, label_space)
    small = 'train_dataloader.batch_size=4 train_dataloader.num_workers=0 train_dataloader.persistent_workers=False'
    outputs = run_steps(
        root,
        [
            f'train.py mine/classifier.py --cfg-options {small} iterations=2',
            f'train.py mine/gan.py --cfg-options {small} iterations=2 custom_hooks.0.num_samples=8 val_dataloader.dataset.most=4',
            f'train.py mine/autoencoder.py --cfg-options {small} iterations=2 val_dataloader.num_workers=0',
            f'train.py mine/diffusion.py --cfg-options {small} iterations=2 val_dataloader.dataset.most=4 model.num_inference_steps=2',
            'annotate.py sample mine/interpreter.py data/own/annotated --per-class 2 --rule rules.bright',
            # The generator's sizes come from its card, so another width in the config changes nothing.
            'train.py mine/interpreter.py --cfg-options iterations=1 num_members=2 member_batch=1 generator.base_channels=16',
            'synthesize.py mine/synthesis.py data/own/synthetic --num-per-class 4 --cfg-options synthesis.candidates=40',
            f'train.py mine/joint.py --cfg-options {small} iterations=1 model.queue_len=16',
            'extract_backbone.py work_dirs/own/joint/iter_1.pth work_dirs/own/backbone.safetensors',
            f'train.py mine/transfer.py --cfg-options {small} iterations=1',
            'test.py mine/transfer.py work_dirs/own/transfer/iter_1.pth --cfg-options test_dataloader.num_workers=0',
        ],
    )
    classifier, gan, autoencoder, diffusion, _, interpreter, synthesis, joint, _, transfer, test = outputs
    for output in (classifier, gan, autoencoder, diffusion, interpreter, synthesis, joint, transfer, test):
        assert ' good enough to continue (' in output or ' not enough yet (' in output, output[-2000:]
    assert 'next: python tools/train.py mine/gan.py' in classifier
    assert 'python tools/annotate.py sample mine/interpreter.py data/own/annotated --per-class 5' in gan
    assert 'next: python tools/train.py mine/diffusion.py' in autoencoder
    assert (root / 'work_dirs/own/diffusion/diffusion/model_index.json').is_file()
    card = json.loads((root / 'work_dirs/own/diffusion/generator.safetensors.json').read_text())
    assert card['config']['type'] == 'mmbdg.DiffusionGenerator' and card['config']['denoiser']['sample_size'] == resolution // 4
    if resolution == 32:
        check_diffusion_as_generator(root)
    assert 'python tools/train.py mine/transfer.py' in joint
    assert 'mIoU on data/own/labelled/test; ' in test and ('foreground' if label_space == 'fgbg' else 'square') in test
    assert (root / 'work_dirs/own/gan/samples/iter_000002.png').is_file()
    card = json.loads((root / 'work_dirs/own/gan/generator.safetensors.json').read_text())
    assert card['config']['resolution'] == resolution and card['config']['base_channels'] == 8
    data = StoredDataset(root / 'data/own/synthetic')
    assert data.info['counts'] == dict(disc=4, square=4) and data.info['resolution'] == resolution


def check_diffusion_as_generator(root):
    """With ``generator_type = 'diffusion'`` the same commands annotate the diffusion model and train its interpreters."""
    (root / 'work_dirs/own/interpreter').rename(root / 'work_dirs/own/interpreter_gan')
    path = root / 'mine/dataset.py'
    path.write_text(path.read_text().replace("generator_type = 'biggan'", "generator_type = 'diffusion'"))
    outputs = run_steps(
        root,
        [
            'annotate.py sample mine/interpreter.py data/own/annotated_diffusion --per-class 2 --rule rules.bright',
            'train.py mine/interpreter.py --cfg-options iterations=1 num_members=2 member_batch=1 annotated=data/own/annotated_diffusion',
        ],
    )
    assert 'mIoU foreground/background' in outputs[1]
    card = json.loads((root / 'work_dirs/own/interpreter/labelled_generator/labelled_generator.json').read_text())
    assert card['generator']['type'] == 'mmbdg.DiffusionGenerator' and card['truncation'] is None


def test_what_is_missing(tmp_path):
    shutil.copytree(ROOT / 'configs' / 'own', tmp_path / 'mine')
    result = run_tool(ROOT / 'tools' / 'annotate.py', 'sample', 'mine/interpreter.py', 'data/own/annotated', cwd=tmp_path, check=False)
    assert result.returncode == 2 and 'the trained generator: python tools/train.py mine/gan.py' in result.stdout
    assert 'masks of generated samples' not in result.stdout  # this step makes them itself
    result = run_tool(ROOT / 'tools' / 'train.py', 'mine/classifier.py', cwd=tmp_path, check=False)
    assert result.returncode == 2 and 'data/own/images\n      your images, a folder for each class' in result.stdout
