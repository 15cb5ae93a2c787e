"""Thresholds of configs/own: what is said at, above and below them."""

import pytest

from mmbdg.engine import VerdictHook
from mmbdg.own_images import THRESHOLDS, verdict
from mmbdg.own_images.judgement import usable_masks


@pytest.mark.parametrize('step', sorted(THRESHOLDS))
def test_at_above_and_below(step):
    threshold = THRESHOLDS[step]
    for value in (threshold.enough, threshold.enough + 5):
        assert threshold.text(value) == f'{value:.1f} {threshold.what}; good enough to continue (at least {threshold.enough:g})'
    below = threshold.text(threshold.enough - 0.1)
    assert f'; not enough yet (at least {threshold.enough:g}): {threshold.follows or threshold.otherwise}' in below
    assert below.endswith(threshold.otherwise) and threshold.reason.endswith('Rule of thumb.') | (step == 'transfer')
    if threshold.poor is not None:
        assert threshold.poor < threshold.enough
        assert 'not worth its time' not in threshold.text(threshold.poor)
        poor = f'(at least {threshold.enough:g}; below {threshold.poor:g} the next step is not worth its time): {threshold.follows}'
        assert poor in threshold.text(threshold.poor - 0.1)


def test_the_line_of_a_poor_generator():
    assert THRESHOLDS['generator'].text(41) == (
        '41.0 % of the generated images are recognised as their class (last validation); not enough yet (at least 70): interpreters will '
        'suffer: there are fewer clear objects to annotate and to learn from; train longer (--resume with more iterations), and look at '
        'the samples'
    )


def test_a_verdict_is_a_hook():
    config = verdict('joint', what='mIoU here')
    assert config.pop('type') == 'mmbdg.VerdictHook' and config['what'] == 'mIoU here'
    hook = VerdictHook(**config)
    assert (hook.metric, hook.enough, hook.poor) == ('mIoU', 50, None)


def test_usable_masks():
    """1 % and 95 % are in; of six masks four are usable."""
    assert usable_masks([0.0, 0.009, 0.01, 0.3, 0.95, 0.5]) == pytest.approx(100 * 4 / 6)
    assert usable_masks([1.0]) == 0
