"""labelme's window opens and saves a project without changing a pixel.

labelme is GPL software. It runs in its own process and is never imported by mmbdg.
"""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from annotated import STEMS, assert_equal, folder_of, imported_masks, make_out, noisy_masks, write_masks

from mmbdg.annotation import import_annotations, write_project

OPEN_AND_SAVE = """
import json, sys
from PyQt5 import QtWidgets
from labelme.app import MainWindow

folder, labels = sys.argv[1:]
app = QtWidgets.QApplication([])
window = MainWindow(
    config_overrides=dict(labels=open(labels).read().split(), validate_label='exact', auto_save=False), file_or_dir=folder
)
def refuse(*args):
    raise SystemExit(f'labelme shows an error: {args}')
window.show_error_message = window._show_file_open_error = refuse
window.show()
app.processEvents()
seen = []
for path in list(window.image_list):
    window._load_file(path)
    app.processEvents()
    assert window.current_path() is not None and not window._image.isNull()
    shapes = window._canvas_widgets.canvas.shapes
    seen.append([path, [[shape.label, shape.shape_type] for shape in shapes], window._label_file_path])
    if shapes:
        window.mark_dirty()
        window._save_label_file()
print(json.dumps(seen))
"""


@pytest.mark.skipif(importlib.util.find_spec('labelme') is None, reason='labelme is not installed: pip install ".[annotation-tests]"')
def test_labelme_opens_and_saves_a_project(tmp_path):
    out = make_out(tmp_path / 'out')
    masks = {stem: mask for stem, mask in noisy_masks(ignored=True).items() if stem != 'ring_2_1'}
    write_masks(out, masks)
    write_project(out, 'tiny', 'labelme')
    written = {stem: (out / 'images/tiny' / folder_of(stem) / f'{stem}.json').read_text() for stem in STEMS}
    home = dict(HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / 'config'), XDG_RUNTIME_DIR=str(tmp_path))
    result = subprocess.run(
        [sys.executable, '-c', OPEN_AND_SAVE, out / 'images/tiny', out / 'labels.txt'],
        env=os.environ | dict(QT_QPA_PLATFORM='offscreen') | home,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if 'cannot open shared object file' in result.stderr:
        pytest.skip(f'Qt lacks a library, apt-get install libgl1 libglib2.0-0 libfontconfig1: {result.stderr.splitlines()[-1]}')
    assert result.returncode == 0, result.stdout + result.stderr
    seen = json.loads(result.stdout.splitlines()[-1])
    assert [path.split('/')[-1] for path, _, _ in seen] == sorted(f'{stem}.png' for stem in STEMS)
    for path, shapes, label_file in seen:
        stem = path.split('/')[-1][:-4]
        assert label_file == path[:-4] + '.json'
        assert shapes == ([['foreground', 'mask'], ['ignore', 'mask']] if stem in masks else [])
        saved = (out / 'images/tiny' / folder_of(stem) / f'{stem}.json').read_text()
        assert (saved != written[stem]) == (stem in masks)  # labelme wrote it in its own format
    report = import_annotations(out, tmp_path / 'dst')
    assert_equal(imported_masks(tmp_path / 'dst'), masks)
    assert report.skipped == dict(ring_2_1='not annotated') and not report.problems
    assert write_project(out, 'tiny', 'labelme')[1] == [f'images/tiny/{folder_of(s)}/{s}.json' for s in STEMS if s in masks]
    assert all(np.any(mask == 128) for mask in masks.values())
