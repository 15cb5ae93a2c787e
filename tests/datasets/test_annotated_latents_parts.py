import sys

import numpy as np
import pytest

from mmbdg.annotation.rules import import_rule
from mmbdg.datasets import AnnotatedLatents
from mmbdg.errors import InputError
from mmbdg.files import write_npy, write_png

CLASSES = ('disc', 'square', 'ring')
COUNTS = (12, 4, 1)


@pytest.fixture
def root(tmp_path):
    for c, (name, count) in enumerate(zip(CLASSES, COUNTS, strict=True)):
        for i in range(count):
            mask = np.zeros((8, 8), np.uint8)
            mask[2:6] = 255
            mask[0] = 128
            write_png(tmp_path / f'annotations/tiny/{name}/{name}_{c}_{i}.png', mask)
            write_npy(tmp_path / f'latents/tiny/{name}/{name}_{c}_{i}.npy', np.full((1, 3), 10 * c + i, np.float32))
    return tmp_path


def stems(root, **options):
    data = AnnotatedLatents(str(root), 'tiny', 3, 8, class_names=CLASSES, **options)
    return [item['data_samples'].stem for item in data], data.class_ids


def test_parts_have_nothing_in_common(root):
    everything, classes = stems(root)
    assert everything[:4] == ['disc_0_0', 'disc_0_1', 'disc_0_2', 'disc_0_3'] and everything[11] == 'disc_0_11'
    assert classes == [0] * 12 + [1] * 4 + [2]
    train, _ = stems(root, part='train', held_out=2)
    val, classes = stems(root, part='val', held_out=2)
    assert sorted(train + val) == sorted(everything) and not set(train) & set(val)
    assert classes == [0, 0, 1, 1]  # the last class keeps its only pair for training
    assert stems(root, part='val', held_out=2) == (val, classes)
    assert stems(root, part='val', held_out=2, seed=1)[0] != val


def test_the_first_of_each_class(root):
    assert stems(root, per_class=2)[0] == ['disc_0_0', 'disc_0_1', 'square_1_0', 'square_1_1', 'ring_2_0']
    assert set(stems(root, per_class=3, part='train')[0]) < set(stems(root, per_class=3)[0])


def test_pixels_that_do_not_count(root):
    def labels(**options):
        return AnnotatedLatents(str(root), 'tiny', 3, 8, class_names=CLASSES, **options)[14]['data_samples'].gt_sem_seg.data[0]

    assert labels()[[0, 1, 2]].unique(dim=1).flatten().tolist() == [1, 0, 1]
    assert labels(ignore_value=128)[[0, 1, 2]].unique(dim=1).flatten().tolist() == [255, 0, 1]
    assert labels(ignore_value=128, label_space='classes')[[0, 1, 2]].unique(dim=1).flatten().tolist() == [255, 0, 2]


def test_parts_that_are_not_there(root):
    with pytest.raises(InputError, match='"train" and "val"'):
        stems(root, part='test')
    for wrong in (dict(held_out=-1), dict(per_class=0), dict(per_class=-1)):
        with pytest.raises(InputError, match='at least'):
            stems(root, part='train', **wrong)
    with pytest.raises(InputError, match='held_out is 0'):
        stems(root, part='val', held_out=0)


def test_a_rule_in_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / 'my_rules_of_today.py').write_text('def bright(image):\n    return image.mean(2) > 127\nNUMBER = 3\n')
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)
    assert import_rule('my_rules_of_today.bright')(np.full((1, 1, 3), 200)).all()
    assert sys.path == path
    with pytest.raises(InputError, match='my_rules_of_today has no function NUMBER'):
        import_rule('my_rules_of_today.NUMBER')
    with pytest.raises(InputError, match=f'there is no rule "nowhere.f" .*neither in {tmp_path} nor'):
        import_rule('nowhere.f')
    with pytest.raises(InputError, match='is named MODULE.FUNCTION'):
        import_rule('f')
