import random

import numpy as np
import pytest
import torch
from tiny_training import Killed, build, train

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.engine.hooks.random_state_hook import KEY, random_state, set_random_state

HOOK = dict(type='mmbdg.RandomStateHook')


def drawn():
    return [random.random(), random.gauss(0, 1), np.random.randn(), np.random.rand(), float(torch.randn(()))]


def test_state_and_back(tmp_path):
    """A saved random state restores all generators from a file that needs no unpickling of objects.

    It is saved between the two values of a pair of normal draws.
    """
    drawn()
    random.gauss(0, 1), np.random.randn()
    torch.save(random_state(), tmp_path / 'state.pth')
    expected = drawn()
    drawn()
    set_random_state(torch.load(tmp_path / 'state.pth', weights_only=True))
    assert drawn() == expected


@pytest.mark.parametrize('by_epoch', [True, False])
def test_resumed_losses_are_those_of_the_uninterrupted_training(tmp_path, by_epoch):
    """A resumed training has the same losses as the uninterrupted one.

    Data use the generators of numpy and Python, dropout and noise use torch's. Validation and start-up draw random numbers too, and
    one training is killed.
    """
    checkpoint = 'epoch_{}.pth' if by_epoch else 'iter_{}.pth'
    losses, state = train(tmp_path / 'whole', by_epoch=by_epoch, hooks=[HOOK])
    assert len(set(losses)) == 16
    before, _ = train(tmp_path / 'killed', by_epoch=by_epoch, hooks=[HOOK], stop=10)
    assert before == losses[:10]
    torch.rand(7), np.random.rand(3), random.random()
    resume = tmp_path / 'killed' / checkpoint.format(2 if by_epoch else 8)
    resumed, resumed_state = train(tmp_path / 'resumed', by_epoch=by_epoch, hooks=[HOOK], resume=resume)
    assert resumed == losses[8:]
    assert all(torch.equal(resumed_state[key], state[key]) for key in state)
    other, _ = train(tmp_path / 'without', by_epoch=by_epoch, resume=resume)
    assert other != losses[8:]  # without the hook the losses differ


def test_validation_leaves_the_random_state(tmp_path):
    losses, _ = train(tmp_path / 'often', hooks=[HOOK])
    assert train(tmp_path / 'never', hooks=[HOOK], val_dataloader=None, val_cfg=None, val_evaluator=None)[0] == losses


def test_checkpoint_of_other_processes(tmp_path):
    """Resuming a checkpoint of another number of processes logs a warning and uses new random states."""
    first, _ = train(tmp_path, hooks=[HOOK], stop=5)
    path = tmp_path / 'epoch_1.pth'
    checkpoint = read_checkpoint(path)
    assert len(checkpoint[KEY]) == 1
    for states, found in ((checkpoint[KEY] * 2, 'those of 2 processes'), (None, 'none')):
        checkpoint[KEY] = states
        if states is None:
            del checkpoint[KEY]
        torch.save(checkpoint, path)
        runner, recorder = build(tmp_path / 'resumed', hooks=[HOOK], resume=path)
        warnings = []
        runner.logger.warning = warnings.append
        runner.train()
        assert any(f'no random states for 1 processes ({found})' in line for line in warnings)
        assert len(recorder.losses) == 12 and recorder.losses[0] != first[4]


def test_start_from_weights_restores_nothing(tmp_path):
    """``load_from`` without ``resume`` restores no random states."""
    train(tmp_path / 'first', hooks=[HOOK], stop=5)
    starts = []
    for name, weights in (('plain', None), ('from_weights', tmp_path / 'first' / 'epoch_1.pth')):
        runner, _ = build(tmp_path / name, hooks=[HOOK], stop=0)
        runner._load_from = weights and str(weights)
        with pytest.raises(Killed):
            runner.train()
        starts.append(drawn())
    assert starts[0] == starts[1]
