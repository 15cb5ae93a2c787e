"""Best and worst classes beside their accuracy, by hand, and what is refused."""

import json

import made_entries
import numpy as np
import pytest

from mmbdg.confidence import half_width
from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.leaderboard.class_figure import class_scores, draw_classes

IOU = dict(bag=[90.0, 80.0], coat=[70.0, 60.0], shirt=[50.0, 40.0], dress=[60.0, 66.0], sandal=[20.0, 10.0])
"""By class, of two seeds. Means: 85, 65, 45, 63, 15."""
ACCURACY = dict(sandal=90.0, shirt=20.0, dress=70.0, coat=60.0, bag=80.0, boot=99.0)
LABELS = made_entries.result('classes')['test_set']['labels']


def written(folder, seed, content, task='fgbg'):
    path = folder / f'{seed}_{len(list(folder.iterdir()))}.json'
    path.write_text(json.dumps(made_entries.result(task, seed) | content))
    return path


def of_classes(values, images=7):
    return dict(per_label=dict(background=99.0, foreground=80.0), per_class={k: dict(images=images, mIoU=v) for k, v in values.items()})


def seeds(folder, names=tuple(IOU)):
    return [written(folder, seed, of_classes({name: IOU[name][seed] for name in names})) for seed in (0, 1)]


def classifier(folder, **changed):
    classes = {name: dict(images=3, accuracy=value) for name, value in ACCURACY.items()}
    path = folder / 'classifier.json'
    path.write_text(json.dumps(dict(config='c.py', checkpoint_sha256='a' * 64, test_set=None, metrics={}, per_class=classes) | changed))
    return path


def test_ranking_by_hand(tmp_path):
    scores = class_scores(seeds(tmp_path), classifier(tmp_path), 2)
    assert scores['best'] == ['bag', 'coat'] and scores['worst'] == ['sandal', 'shirt'] and scores['seeds'] == [0, 1]
    bag, coat, dress, shirt, sandal = scores['classes']
    assert bag == dict(name='bag', IoU=[90.0, 80.0], mean=85.0, half_width=half_width([90.0, 80.0]), images=7, accuracy=80.0)
    assert [one['mean'] for one in (coat, dress, shirt, sandal)] == [65.0, 63.0, 45.0, 15.0]
    # ranks of the IoU 5 4 3 2 1, of the accuracy 80 60 70 20 90: 4 2 3 1 5; 1 - 6 (1 + 4 + 0 + 1 + 16) / (5 * 24) = -0.1
    assert scores['classifier']['rank_correlation'] == -0.1 and scores['figures_by'] == 'images of the class' and not scores['left_out']
    assert class_scores(seeds(tmp_path)[:1])['classes'][0]['half_width'] is None


def test_labels(tmp_path):
    values = {name: float(number) for number, name in enumerate(LABELS)} | {LABELS[3]: None}
    scores = class_scores([written(tmp_path, 0, dict(per_label=values, per_class=None), 'classes')])
    assert scores['left_out'] == [LABELS[3]] and scores['figures_by'] == 'label' and scores['classifier'] is None
    assert [one['mean'] for one in scores['classes']] == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 2.0, 1.0]
    assert scores['best'] == LABELS[:6:-1] and scores['worst'] == [LABELS[1], LABELS[2], LABELS[4], LABELS[5]]


def test_refused(tmp_path):
    good = seeds(tmp_path)
    for content, message in (
        (of_classes(IOU_0 := {name: value[0] for name, value in IOU.items()}) | dict(config='other.py'), 'different configs'),
        (of_classes(IOU_0) | dict(training_set=[dict(images=1)]), 'different training sets'),
        (of_classes(IOU_0) | dict(backbone=dict(depth=50)), 'different backbones'),
        (of_classes(IOU_0, images=8), 'different classes or numbers of their images'),
        (of_classes(IOU_0 | dict(bag=100.5)), 'per_class.bag.mIoU'),
        (of_classes(IOU_0) | dict(per_class=None), 'single label'),
        (dict(), 'no figures by class'),
        (of_classes(IOU_0) | dict(metrics=dict(mIoU=float('nan'))), 'its mIoU is nan'),
        (of_classes(IOU_0) | dict(seed=None), 'does not say the seed'),
        (of_classes(IOU_0) | dict(seed=1), 'both of seed 1'),
    ):
        with pytest.raises(InputError, match=message):
            class_scores([*good, written(tmp_path, 2, content)])
    with pytest.raises(InputError, match='5 classes with an IoU: too few for 3 best and 3 worst'):
        class_scores(good, number=3)
    with pytest.raises(InputError, match='at most 100 best'):
        class_scores(good, number=101)


def test_refused_classifiers(tmp_path):
    good = seeds(tmp_path)
    with pytest.raises(InputError, match='not tested on images of bag, coat; its classes: dress, sandal, shirt'):
        lacking = {name: dict(images=3, accuracy=1.0) for name in ('dress', 'sandal', 'shirt')}
        class_scores(good, classifier(tmp_path, per_class=lacking))
    for segmentor in (good[0], classifier(tmp_path, per_class=None), classifier(tmp_path, per_class=dict(bag=1))):
        with pytest.raises(InputError, match='takes the file that tools/test.py writes for a classifier'):
            class_scores(good, segmentor)


def test_picture(tmp_path):
    """The bars have the lengths of the figures; names with formulas, line breaks and great length are text."""
    names = ['$\\frac{$', 'a\nb', 'x' * 10**5, '<b>']
    files = [written(tmp_path, 0, of_classes(dict(zip(names, (100.0, 75.0, 50.0, 25.0), strict=True))))]
    draw_classes(class_scores(files), tmp_path / 'a.png')
    picture = np.asarray(open_image(tmp_path / 'a.png')).astype(int)
    blue = (abs(picture - (31, 119, 180)).sum(axis=2) < 10).sum(axis=1)
    bars = [blue[row] for row in range(1, len(blue)) if blue[row] and not blue[row - 1]]
    assert np.allclose([one / bars[0] for one in bars[:4]], [1, 0.75, 0.25, 0.5], atol=0.02)
