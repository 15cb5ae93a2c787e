"""Annotated images are encoded to annotated latents of a VQGAN by the command."""

import numpy as np
import pytest
from conftest import TINY_CLASSES, TINY_INTERPRETER, TINY_VQGAN, build_tiny, run_tool
from PIL import Image

from mmbdg.annotation import read_annotated_latents
from mmbdg.files import write_png, write_safetensors


@pytest.fixture
def config(tmp_path):
    write_safetensors(tmp_path / 'g.safetensors', build_tiny(TINY_VQGAN).state_dict())
    generator = dict(TINY_VQGAN, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'g.safetensors')))
    dataset = dict(type='mmbdg.AnnotatedLatents', data_root='-', name='tiny', latent_dim=64, resolution=32, class_names=TINY_CLASSES)
    hook = dict(type='mmbdg.ExportLabelledGeneratorHook', classes=TINY_CLASSES, folders=('n00', 'n01', 'n02'))
    path = tmp_path / 'config.py'
    path.write_text(
        f"model = dict(type='mmbdg.InterpreterTraining', generator={generator!r}, interpreter={TINY_INTERPRETER!r})\n"
        f'train_dataloader = dict(dataset={dataset!r})\ncustom_hooks = [{hook!r}]\n'
    )
    return path


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ('disc', 'n02'):
        write_png(tmp_path / f'src/images/{folder}/photo.png', rng.integers(0, 255, (48, 40, 3), dtype=np.uint8))
        write_png(tmp_path / f'src/masks/{folder}/photo.png', np.pad(np.full((20, 20), 255, np.uint8), ((14, 14), (10, 10))))
    return tmp_path / 'src'


def test_encode(config, photos, tmp_path):
    printed = run_tool('tools/annotate.py', 'encode', config, photos, tmp_path / 'dst', '--batch-size', '1').stdout
    pairs = read_annotated_latents(tmp_path / 'dst', 'tiny', 3, allow_missing_classes=True)
    assert [pair.stem for pair in pairs] == ['photo_0_0', 'photo_2_0']
    lines = {line.split(':')[0]: line for line in printed.splitlines()}
    for pair in pairs:
        assert pair.read_latent(64).dtype == np.int64 and 0.2 < (pair.read_mask(32) > 0).mean() < 0.3  # (20 / 40)^2
        name, folder = TINY_CLASSES[pair.class_id], 'disc' if pair.class_id == 0 else 'n02'
        source = Image.open(photos / 'images' / folder / 'photo.png').resize((32, 32), Image.Resampling.LANCZOS, (0, 4, 40, 44))
        seen = Image.open(tmp_path / 'dst/images/tiny' / name / f'{pair.stem}.png')
        error = np.abs(np.asarray(source, int) - np.asarray(seen, int)).mean()
        assert f'1 images, {error:.1f}, ' in lines[name]


def test_bad_sources_end_plainly(config, photos, tmp_path):
    (photos / 'masks/disc/photo.png').unlink()
    result = run_tool('tools/annotate.py', 'encode', config, photos, tmp_path / 'dst', check=False)
    assert result.returncode == 2 and 'photo.png has no mask' in result.stdout and 'Traceback' not in result.stdout
    assert not list(tmp_path.glob('dst*'))
