"""tools/browse_dataset.py on detection datasets."""

import numpy as np
from conftest import ROOT
from one_process import run_here
from PIL import Image
from tiny_voc import write_voc

from mmbdg.datasets.fashion_scenes import compose_scene
from mmbdg.storage.palette import palette
from mmbdg.visualization.contact_sheet import overlay


def test_instances(tmp_path):
    out = tmp_path / 'scenes.png'
    run_here('tools/browse_dataset.py', ROOT / 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py', out, '--split', 'test', '--num', 1)
    scene = compose_scene(0, split='test')
    ids = (scene.masks * (scene.labels[:, None, None] + 1)).sum(0)  # garments do not overlap
    picture = np.asarray(Image.open(out))[2:-2, 2:130]
    np.testing.assert_array_equal(picture[:128], scene.image)
    np.testing.assert_array_equal(picture[128:], overlay(scene.image, ids, palette(11)))


def test_boxes(tmp_path):
    """VOC boxes are drawn filled, without difficult objects, and match the enlarged test image."""
    out, config = tmp_path / 'voc.png', ROOT / 'configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py'
    options = [f'data_root={write_voc(tmp_path / "voc")}', 'test_dataloader.dataset.pipeline.1.scale=(256,256)']
    run_here('tools/browse_dataset.py', config, out, '--split', 'test', '--num', 1, '--cfg-options', *options)
    picture = np.asarray(Image.open(out))[2:-2, 2:258].astype(int)
    height = len(picture) // 2
    changed = np.abs(picture[:height] - picture[height:]).sum(2) > 0
    expected = np.zeros((96, 128), bool)
    _, *boxes = compose_scene(3, (128, 96), 3).boxes()  # the fourth scene of write_voc; its first object is difficult
    for x1, y1, x2, y2 in boxes:
        expected[y1:y2, x1:x2] = True
    expected = np.kron(expected, np.ones((2, 2), bool))
    assert height == 192 and not (changed & ~expected).any() and changed.sum() > 0.98 * expected.sum()
