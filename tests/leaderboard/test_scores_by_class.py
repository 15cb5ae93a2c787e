import json

import pytest

from mmbdg.errors import InputError
from mmbdg.leaderboard.scores_by_class import scores_by_class

RESULT = dict(config='a.py', checkpoint_sha256='0', test_set=dict(images=2), metrics=dict(mIoU=1.0), per_label=None, per_class=None)


@pytest.fixture
def read(tmp_path):
    def read(**keys):
        (tmp_path / 'test.json').write_text(json.dumps(RESULT | keys))
        return scores_by_class(tmp_path / 'test.json')

    return read


def test_each_kind_of_result(read):
    found = read(per_label=dict(background=90.0, bag=40, shirt=None))
    assert found == ('IoU', dict(bag=40, shirt=None), dict(config='a.py', checkpoint_sha256='0', test_set=dict(images=2)))
    of_images = dict(bag=dict(images=3, mIoU=70.5), shirt=dict(images=1, mIoU=None))
    assert read(per_label=dict(background=90.0, foreground=50.0), per_class=of_images)[:2] == ('mIoU', dict(bag=70.5, shirt=None))
    assert read(per_class=dict(bag=dict(images=3, accuracy=66.7)))[:2] == ('accuracy', dict(bag=66.7))


def test_wrong_results(read, tmp_path):
    for keys, message in (
        ({}, 'no figures by class: it has a single label'),
        (dict(per_label=dict(background=90.0, foreground=50.0)), 'single label'),
        (dict(per_label=dict(a=float('nan'), b=1.0)), 'per_label.a'),
        (dict(per_label=dict(a=120.0, b=1.0)), 'per_label.a'),
        (dict(per_label=[1, 2]), 'per_label'),
        (dict(per_class=dict(a=dict(images=1, accuracy=1.0), b=dict(images=1, mIoU=1.0))), 'b.accuracy'),
        (dict(per_class=dict(a={}, b={})), 'a.images'),
    ):
        with pytest.raises(InputError, match=message):
            read(**keys)
    (tmp_path / 'old.json').write_text(json.dumps(dict(config='a', metrics={})))
    with pytest.raises(InputError, match='run tools/test.py again'):
        scores_by_class(tmp_path / 'old.json')
