"""Images and masks that tools/test.py --save-predictions saves."""

import numpy as np
import pytest
import torch
from test_class_scores import FGBG, Labelled, runner_of, segmented

from mmbdg.engine.hooks.saved_predictions_hook import SavedPredictionsHook
from mmbdg.errors import InputError
from mmbdg.reading import read_arrays

RUNNER = runner_of(Labelled([1, 0, 1], classes=FGBG, class_names=('bag', 'coat'), palette=[(0, 0, 0), (1, 2, 3)]))
TRUTH, PREDICTED = [[0, 1], [1, 255]], [[0, 0], [1, 1]]


def batch(*images):
    return dict(inputs=list(images)), [segmented(TRUTH, PREDICTED) for _ in images]


def bgr(number):
    """Image, uint8 (3,2,2), whose channels are 10, 20 and its number."""
    return torch.tensor([10, 20, number], dtype=torch.uint8)[:, None, None].expand(3, 2, 2)


def run(hook, runner=RUNNER):
    hook.before_test_epoch(runner)
    for place, content in enumerate((batch(bgr(0), bgr(1)), batch(bgr(2)))):
        hook.after_test_iter(runner, place, *content)
    hook.after_test_epoch(runner)
    return hook


def test_saved_by_number(tmp_path):
    hook = run(SavedPredictionsHook([2, 1, 2]))
    hook.save(tmp_path / 'p.npz')
    found = read_arrays(tmp_path / 'p.npz')
    assert hook.classes == {2: 'coat', 1: 'bag'} and list(hook.classes) == [2, 1]
    assert sorted(found) == sorted(['palette', *(f'{kind}_{n}' for kind in ('image', 'truth', 'predicted') for n in (1, 2))])
    assert np.array_equal(found['image_2'], np.full((2, 2, 3), (2, 20, 10))), 'RGB from BGR'
    assert found['image_2'].dtype == np.uint8 and found['truth_2'].dtype == np.int32
    assert found['truth_2'].tolist() == TRUTH and found['predicted_2'].tolist() == PREDICTED
    assert found['palette'].tolist() == [[0, 0, 0], [1, 2, 3]]


def test_evenly_spread_without_numbers():
    assert run(SavedPredictionsHook()).classes == {0: 'coat', 1: 'bag', 2: 'coat'}


def test_image_in_the_size_of_its_mask(tmp_path):
    hook = SavedPredictionsHook([0])
    hook.before_test_epoch(RUNNER)
    hook.after_test_iter(RUNNER, 0, dict(inputs=[torch.full((3, 4, 8), 7, dtype=torch.uint8)]), [segmented(TRUTH, PREDICTED)])
    hook.after_test_epoch(RUNNER)
    hook.save(tmp_path / 'p.npz')
    assert np.array_equal(read_arrays(tmp_path / 'p.npz')['image_0'], np.full((2, 2, 3), 7))


def test_refused():
    with pytest.raises(InputError, match='no image 3; the test set has the images 0 to 2'):
        SavedPredictionsHook([3]).before_test_epoch(RUNNER)
    with pytest.raises(InputError, match='shuffle=False'):
        SavedPredictionsHook().before_test_epoch(runner_of(Labelled([0], classes=FGBG), shuffle=True))
    hook = SavedPredictionsHook([0])
    for content, message in ((batch(bgr(0).float()), 'are torch.float32, not uint8'), ((dict(), [object()]), 'is for segmentors')):
        hook.before_test_epoch(RUNNER)
        with pytest.raises(InputError, match=message):
            hook.after_test_iter(RUNNER, 0, *content)
