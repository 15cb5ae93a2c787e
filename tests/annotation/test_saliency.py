import sys

import numpy as np
import pytest
from onnx_files import write_operator
from PIL import Image

from mmbdg.annotation import projects
from mmbdg.annotation.saliency import Saliency, normalise, propose_masks, rescale
from mmbdg.errors import InputError
from mmbdg.files import write_png


def picture(height=24, width=40):
    return np.random.default_rng(0).integers(0, 201, (height, width, 3), dtype=np.uint8)


def test_normalise_is_u2nets():
    image = picture(320, 320)
    image[5, 7] = 200  # the maximum
    expected = (image.astype(float) / 200 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    result = normalise(image)
    assert result.dtype == np.float32 and result.flags.c_contiguous
    assert np.allclose(result, expected.transpose(2, 0, 1)[None], atol=1e-5)


def test_normalise_resizes_and_bears_black():
    assert normalise(picture(), 64).shape == (1, 3, 64, 64)
    assert np.allclose(normalise(np.zeros((4, 4, 3), np.uint8))[0, :, 0, 0], [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225])


def test_rescale():
    saliency = np.float32([[-3, 1], [1, 5]])
    assert np.array_equal(rescale(saliency, 2, 2), np.float32([[0, 0.5], [0.5, 1]]))
    wide = rescale(saliency, 2, 8)
    assert wide.shape == (2, 8) and wide[0, 0] == 0 and wide[1, -1] == 1 and (np.diff(wide, axis=1) >= 0).all()
    assert (rescale(np.full((3, 3), 7.0), 5, 4) == np.zeros((5, 4))).all()  # a constant map gives zeros, without a division by zero


def test_saliency_runs_the_model_between_both(tmp_path):
    pytest.importorskip('onnxruntime')
    mean = write_operator(tmp_path / 'mean.onnx', 'ReduceMean', (1, 3, 16, 16), (1, 1, 16, 16), dict(axes=[1]))
    image = picture(16, 16)
    values = normalise(image, 16).mean((0, 1))
    expected = (values - values.min()) / (values.max() - values.min())
    assert np.allclose(Saliency(mean)(image), expected, atol=1e-5)
    assert Saliency(mean)(picture(24, 40)).shape == (24, 40)


def test_bad_models(tmp_path):
    pytest.importorskip('onnxruntime')
    with pytest.raises(InputError, match='there is no file'):
        Saliency(tmp_path / 'none.onnx')
    (tmp_path / 'text.onnx').write_text('no model' * 50)
    with pytest.raises(InputError, match='is no ONNX model'):
        Saliency(tmp_path / 'text.onnx')
    with pytest.raises(InputError, match='a saliency model takes one image'):
        Saliency(write_operator(tmp_path / 'grey.onnx', 'Relu', (1, 1, 8, 8), (1, 1, 8, 8)))


def test_missing_onnxruntime(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(InputError, match=r'pip install "mmbdg\[saliency\]"'):
        Saliency(tmp_path / 'x.onnx')


def brightness(image):
    return image.mean(2, dtype=np.float32) / 255


@pytest.fixture
def project(tmp_path):
    for name, height in (('a/x/x_0_0', 8), ('a/x/x_0_1', 12), ('b/y/y_1_0', 8)):
        write_png(tmp_path / 'images' / f'{name}.png', picture(height, 10))
    return tmp_path


def test_masks_of_every_set(project):
    assert propose_masks(project, brightness, 0.4) == 3
    written = sorted(path.relative_to(project / 'auto').as_posix() for path in (project / 'auto').rglob('*.png'))
    assert written == ['a/x/x_0_0.png', 'a/x/x_0_1.png', 'b/y/y_1_0.png']
    for name in written:
        mask = np.asarray(Image.open(project / 'auto' / name))
        image = np.asarray(Image.open(project / 'images' / name))
        assert mask.dtype == np.uint8 and np.array_equal(mask, np.where(brightness(image) >= 0.4, 255, 0))
        assert 0 < (mask > 0).mean() < 1
    assert not (project / 'annotations').exists()


def test_corrected_masks_are_not_overwritten(project):
    propose_masks(project, brightness)
    with pytest.raises(InputError, match='auto is there already'):
        propose_masks(project, brightness)


def test_a_broken_picture_leaves_nothing(project):
    (project / 'images/b/y/y_1_0.png').write_bytes(b'no picture')
    with pytest.raises(InputError, match='y_1_0.png is no image'):
        propose_masks(project, brightness)
    assert sorted(path.name for path in project.iterdir()) == ['images']


@pytest.mark.parametrize('threshold', [0, 1, float('nan')])
def test_bad_thresholds(project, threshold):
    with pytest.raises(InputError, match='between 0 and 1'):
        propose_masks(project, brightness, threshold)


def test_no_images(tmp_path):
    with pytest.raises(InputError, match='there are no images'):
        propose_masks(tmp_path, brightness)


def test_a_project_hears_of_the_masks(project, monkeypatch):
    written = []
    monkeypatch.setattr(projects, 'write_project', lambda *args: written.append(args))
    propose_masks(project, brightness)
    assert not written
    (project / 'auto').rename(project / 'old')
    (project / 'project.json').write_text('{"name": "a", "format": "labelme"}')
    propose_masks(project, brightness)
    assert written == [(project, 'a', 'labelme')]
