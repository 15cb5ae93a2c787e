"""The log line with the result of a training."""

from types import SimpleNamespace

import pytest

from mmbdg.engine import VerdictHook


def runner(lines, hooks=(), **info):
    return SimpleNamespace(rank=0, hooks=hooks, logger=SimpleNamespace(info=lines.append), message_hub=SimpleNamespace(runtime_info=info))


@pytest.mark.parametrize(
    ('figure', 'less', 'end'),
    [
        (80.0, False, '80.0 % right; good enough to continue (at least 80)'),
        (79.9, False, '79.9 % right; not enough yet (at least 80): train longer'),
        (80.0, True, '80.0 % right; good enough to continue (at most 80)'),
        (80.1, True, '80.1 % right; not enough yet (at most 80): train longer'),
    ],
)
def test_the_line(figure, less, end):
    hook, lines = VerdictHook('top1', '% right', 80, 'train longer', less), []
    hook.after_val_epoch(runner(lines), dict(top1=3.0))
    hook.after_val_epoch(runner(lines), dict(top1=figure))
    hook.after_val_epoch(runner(lines), dict(other=1.0))
    assert not lines
    hook.after_train(runner(lines))
    assert lines == [end]
    hook.after_test_epoch(runner(lines), dict(top1=figure))
    assert lines == [end, end]


def test_the_best_checkpoints_figure_counts():
    """The line shows the score of the best checkpoint, which is the exported one."""
    hook, lines = VerdictHook('top1', '% right', 80, 'train longer'), []
    saving = SimpleNamespace(key_indicators=['top1'])
    hook.after_val_epoch(runner(lines), dict(top1=60.0))
    hook.after_train(runner(lines, [saving], best_ckpt='x.pth', best_score=90.0))
    other = SimpleNamespace(key_indicators=['loss'])
    hook.after_train(runner(lines, [other], best_ckpt='x.pth', best_score=90.0))
    assert [line.split()[0] for line in lines] == ['90.0', '60.0']


def test_nothing_is_said_of_nothing():
    hook, lines = VerdictHook('top1', '% right', 80, 'train longer'), []
    hook.after_train(runner(lines))
    hook.after_test_epoch(runner(lines), {})
    assert not lines
