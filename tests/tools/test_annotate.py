"""The commands of the annotation loop, as a user enters them."""

import json
import runpy
import sys

import numpy as np
import pytest
from conftest import ROOT, TINY_CLASSES, TINY_GENERATOR, run_tool

from mmbdg.annotation.projects import read_project
from mmbdg.files import write_png
from mmbdg.sources import latent

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


@pytest.fixture
def annotate(monkeypatch, capsys):
    """Function that runs tools/annotate.py in this process. It returns the exit code and the printed text."""

    def run(*options):
        monkeypatch.setattr(sys, 'argv', ['annotate.py', *map(str, options)])
        code = 0
        try:
            runpy.run_path(str(ROOT / 'tools/annotate.py'), run_name='__main__')
        except SystemExit as end:
            code = end.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_the_loop(config, tmp_path, annotate):
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
    code, text = annotate('import', out, dst)
    assert code == 2 and 'disc_0_0.json: it is cut off' in text and not dst.exists()
    code, text = annotate('import', out, dst, '--skip-bad')
    assert code == 0 and '5 pairs of 3 classes' in text and 'left out: ' in text and (dst / 'contact_sheet.png').is_file()

    code, text = annotate('check', dst, '--config', config)
    table = [line.split()[:4] for line in text.splitlines()[-3:]]
    assert code == 0 and table == [['0', 'disc', '1', '25.0%'], ['1', 'square', '2', '25.0%'], ['2', 'ring', '2', '25.0%']]
    write_png(dst / 'annotations/tiny/ring/ring_2_0.png', np.full((8, 8), 255, np.uint8))
    (dst / 'annotations/tiny/disc/disc_0_1.png').unlink()
    code, text = annotate('check', dst, '--config', config)
    assert code == 2 and 'ring_2_0.png: is 8x8 px, the generator makes 16x16' in text and 'classes without pairs: 0 of 3' in text


def test_wrong_truncation(config, tmp_path, annotate):
    for given, message in (
        ('half', "takes a number or JSON such as '{\"threshold\": 0.4}', got 'half'"),
        ('NaN', 'must be None or positive and finite'),
        ('[1]', 'must be None or positive'),
        ('{"t": 1}', 'takes threshold, definition and statistics'),
    ):
        code, text = annotate('sample', config, tmp_path / 'out', '--truncation', given)
        assert code == 2 and message in text and not (tmp_path / 'out').exists()
