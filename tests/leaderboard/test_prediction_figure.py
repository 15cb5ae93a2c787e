"""Images beside true masks and predictions, and what is refused."""

import json

import made_entries
import numpy as np
import pytest

from mmbdg.errors import InputError
from mmbdg.files import sha256
from mmbdg.images import open_image
from mmbdg.leaderboard.prediction_figure import MOST_IMAGES, draw_predictions, read_predictions

PALETTE = np.array([[0, 0, 0], [10, 200, 30]], np.uint8)
TRUTH = np.array([[0, 1], [1, 255]], np.int32)


def arrays_of(numbers=(3, 8), truth=TRUTH, predicted=0):
    found = dict(palette=PALETTE)
    for number in numbers:
        image = np.full((*truth.shape, 3), (250, 20, number), np.uint8)
        found |= {f'image_{number}': image, f'truth_{number}': truth, f'predicted_{number}': np.full(truth.shape, predicted, np.int32)}
    return found


def written(folder, name, arrays, seed=0, task='fgbg', **changed):
    """File of tools/test.py in a folder of its own, with its predictions beside it."""
    (folder / name).mkdir()
    np.savez(folder / name / 'p.npz', **arrays)
    images = [dict(image=int(key.split('_')[1]), name='bag') for key in arrays if key.startswith('image_')]
    saved = dict(file='p.npz', sha256=sha256(folder / name / 'p.npz'), images=images) | changed
    content = made_entries.result(task, seed, 10.0, checkpoint_sha256=made_entries.digest(name), predictions=saved)
    (folder / name / 'test.json').write_text(json.dumps(content))
    return folder / name / 'test.json'


def test_numbers_and_colours(tmp_path):
    files = [written(tmp_path, 'a', arrays_of()), written(tmp_path, 'b', arrays_of(predicted=1), seed=1)]
    found = read_predictions(files, [8, 3])
    numbers = found.numbers()
    assert [one['image'] for one in numbers['images']] == [8, 3] and found.titles == ['a', 'b']
    assert numbers['images'][0] == dict(image=8, name='bag', right=[33.3333, 66.6667])  # of three pixels, the fourth is ignored
    assert [one['title'] for one in numbers['results']] == ['a', 'b'] and numbers['results'][1]['seed'] == 1
    draw_predictions(found, tmp_path / 'f.png')
    picture = np.asarray(open_image(tmp_path / 'f.png')).reshape(-1, 3)
    share = {colour: (picture == colour).all(axis=1).sum() for colour in ((250, 20, 8), (250, 20, 3), (10, 200, 30))}
    assert share[250, 20, 8] == pytest.approx(share[250, 20, 3], rel=0.05)  # each image is there once
    assert share[10, 200, 30] == pytest.approx(3 * share[250, 20, 8], rel=0.05)  # green: half of two true masks, and both of "b"
    assert [one.number for one in read_predictions(files).images] == [3, 8]


def test_images_in_common(tmp_path):
    files = [written(tmp_path, 'a', arrays_of((3, 8))), written(tmp_path, 'b', arrays_of((8, 9))), written(tmp_path, 'c', arrays_of((4,)))]
    assert [one.number for one in read_predictions(files[:2]).images] == [8]
    for some, images, message in (
        (files, (), 'have no image in common'),
        (files[:2], [3], 'b/test.json has no prediction of image 3; it has those of 8, 9'),
        ([written(tmp_path, 'many', arrays_of(range(MOST_IMAGES + 1)))], (), 'at most 50 images'),
    ):
        with pytest.raises(InputError, match=message):
            read_predictions(some, images)


def test_refused(tmp_path):
    good = written(tmp_path, 'good', arrays_of())
    changed = written(tmp_path, 'changed', arrays_of())
    np.savez(changed.parent / 'p.npz', **arrays_of(predicted=1))
    missing = written(tmp_path, 'missing', arrays_of())
    (missing.parent / 'p.npz').unlink()
    without = tmp_path / 'without.json'
    without.write_text(json.dumps(made_entries.result(checkpoint_sha256=made_entries.digest('w'))))
    for file, message in (
        (without, 'run tools/test.py again with --save-predictions'),
        (changed, 'SHA-256 differs'),
        (missing, 'there is no file'),
        (written(tmp_path, 'set', arrays_of(truth=1 - TRUTH % 2)), 'image 3 has different true masks; .* different test sets'),
        (written(tmp_path, 'task', arrays_of(), task='bag'), 'different tasks'),
        (written(tmp_path, 'label', arrays_of(predicted=2)), 'labels that are not among the 2'),
        (written(tmp_path, 'size', arrays_of() | dict(image_8=np.zeros((3, 2, 3), np.uint8))), 'image 8 of its predictions'),
        (written(tmp_path, 'float', arrays_of() | dict(truth_3=TRUTH.astype(float))), 'image 3 of its predictions'),
        (written(tmp_path, 'palette', arrays_of() | dict(palette=PALETTE[:1])), 'no colour for each of the 2 labels'),
        (written(tmp_path, 'array', arrays_of((3,)), images=[dict(image=n, name=None) for n in (3, 8)]), 'has no array'),
        (written(tmp_path, 'out', arrays_of(), file='../good/p.npz'), 'must be the name of a folder or file'),
        (good, 'results of the same checkpoint'),
    ):
        with pytest.raises(InputError, match=message):
            read_predictions([good, file])
    with pytest.raises(InputError, match='one title for each of the 1 results, got 2'):
        read_predictions([good], titles=['a', 'b'])
