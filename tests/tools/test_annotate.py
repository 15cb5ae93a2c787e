"""The commands of the annotation loop, as a user types them."""

import json

import numpy as np
import pytest
from conftest import TINY_CLASSES, TINY_GENERATOR, run_tool

from mmbdg.annotation.projects import read_project
from mmbdg.files import write_png
from mmbdg.synthesis import latent

CONFIG = """
model = dict(type='mmbdg.InterpreterTraining', generator={generator!r})
train_dataloader = dict(
    dataset=dict(type='mmbdg.AnnotatedLatents', data_root='', name='tiny', latent_dim=12, resolution=16, class_names={classes!r})
)
annotation_seed = 5
"""
TRUNCATION = dict(threshold=0.5, definition='scaled_normal')


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'interpreter.py'
    path.write_text(CONFIG.format(generator=TINY_GENERATOR, classes=TINY_CLASSES))
    return path


def test_the_loop(config, tmp_path):
    out, dst = tmp_path / 'out', tmp_path / 'dst'
    sampled = run_tool(
        'tools/annotate.py', 'sample', config, out, '--per-class', '2', '--format', 'labelme', '--truncation', json.dumps(TRUNCATION)
    )
    assert f'6 samples in {out}; labelme {out}/images/tiny --labels {out}/labels.txt' in sampled.stdout
    project = read_project(out)
    assert project['sampling'] == dict(per_class=2, seed=5, truncation=TRUNCATION | dict(statistics='default'), rule=None)
    assert np.array_equal(np.load(out / 'latents/tiny/ring/ring_2_1.npy')[0], latent(5, 2, 1, 12, TRUNCATION))

    for path in (out / 'images').rglob('*.json'):
        square = dict(label='foreground', shape_type='polygon', points=[[4, 4], [12, 4], [12, 12], [4, 12]])
        path.write_text(json.dumps(json.loads(path.read_text()) | dict(shapes=[square])))
    (out / 'images/tiny/disc/disc_0_0.json').write_text('{')
    refused = run_tool('tools/annotate.py', 'import', out, dst, check=False)
    assert refused.returncode == 2 and 'disc_0_0.json: is no JSON' in refused.stdout and 'Traceback' not in refused.stdout
    assert not dst.exists()
    imported = run_tool('tools/annotate.py', 'import', out, dst, '--skip-bad')
    assert '5 pairs of 3 classes' in imported.stdout and 'left out: ' in imported.stdout and (dst / 'contact_sheet.png').is_file()

    checked = run_tool('tools/annotate.py', 'check', dst, '--config', config)
    assert [line.split()[:4] for line in checked.stdout.splitlines()[-3:]] == [
        ['0', 'disc', '1', '25.0%'],
        ['1', 'square', '2', '25.0%'],
        ['2', 'ring', '2', '25.0%'],
    ]
    write_png(dst / 'annotations/tiny/ring/ring_2_0.png', np.full((8, 8), 255, np.uint8))
    (dst / 'annotations/tiny/disc/disc_0_1.png').unlink()
    unfit = run_tool('tools/annotate.py', 'check', dst, '--config', config, check=False)
    assert unfit.returncode == 2 and 'Traceback' not in unfit.stdout
    assert 'ring_2_0.png: is 8x8 px, the generator makes 16x16' in unfit.stdout and 'classes without pairs: 0 of 3' in unfit.stdout


def test_wrong_truncation(config, tmp_path):
    refused = run_tool('tools/annotate.py', 'sample', config, tmp_path / 'out', '--truncation', 'half', check=False)
    assert refused.returncode == 2 and "--truncation takes a number or JSON such as '{\"threshold\": 0.4}', got 'half'" in refused.stdout
    assert not (tmp_path / 'out').exists()
