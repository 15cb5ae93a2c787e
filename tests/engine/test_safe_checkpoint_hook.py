"""SafeCheckpointHook keeps a checkpoint if the training is killed at any file operation.

Everything else is as in mmengine's CheckpointHook.
"""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny_training import Killed, build, train

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.engine import SafeCheckpointHook
from mmbdg.engine.resuming import newest_checkpoint
from mmbdg.errors import InputError

OURS, STOCK = 'mmbdg.SafeCheckpointHook', 'CheckpointHook'


class Disk:
    """Copies a folder before each operation that changes its files: the state that a kill at this point would leave.

    For a file that is opened for writing, a second copy has this file empty.
    """

    def __init__(self):
        self.folder, self.copies = None, []
        sys.addaudithook(self.audit)

    def audit(self, event, args):
        if self.folder is None or not (args and str(args[0]).startswith(str(self.folder))):
            return
        if event in ('os.rename', 'os.remove') or (event == 'open' and set('wax+') & set(str(args[1]))):
            folder, self.folder = self.folder, None  # the copies themselves are not recorded
            self.copy(folder)
            if event == 'open':
                (self.copy(folder) / os.path.relpath(args[0], folder)).write_bytes(b'')
            self.folder = folder

    def copy(self, folder):
        self.copies.append(shutil.copytree(folder, folder.with_name(f'{folder.name}_{len(self.copies)}')))
        return self.copies[-1]

    def watch(self, folder, action):
        self.folder, self.copies = folder, []
        try:
            action()
        finally:
            self.folder = None
        return self.copies


@pytest.fixture(scope='module')
def disk():
    return Disk()


@pytest.mark.parametrize('kind', [OURS, STOCK])
def test_a_kill_at_any_point_leaves_a_checkpoint(tmp_path, disk, kind):
    """A kill at any point leaves a readable last checkpoint (one is kept) and a readable best checkpoint.

    mmengine's own hook runs too. It must fail, which shows that the test detects the problem.
    """
    work_dir = tmp_path / 'work'
    options = dict(checkpoint=dict(type=kind, max_keep_ckpts=1))
    train(work_dir, **options, stop=8)
    copies = disk.watch(work_dir, lambda: train(work_dir, **options, resume=work_dir / 'epoch_2.pth', stop=12))
    left = {path.name for path in work_dir.iterdir() if path.is_file() and path.suffix != '.py'}
    assert left == {'epoch_3.pth', 'best_own_score_epoch_3.pth', 'last_checkpoint'}
    work_dir.rename(tmp_path / 'elsewhere')  # last_checkpoint in the copies contains the path of the work dir
    steps, lost = [], 0
    for copy in copies:
        try:
            steps.append(read_checkpoint(newest_checkpoint(copy, ['epoch_{}.pth'], []))['meta']['iter'])
            assert [read_checkpoint(path) for path in copy.glob('best_*.pth')]
        except (InputError, AssertionError):
            lost += 1
    assert len(copies) > 6 and steps == sorted(steps) and set(steps) == {8, 12}
    assert bool(lost) == (kind == STOCK)


@pytest.mark.parametrize('by_epoch', [True, False])
def test_all_else_is_as_in_mmengine(tmp_path, by_epoch):
    """The same checkpoints are kept, including the best and the published ones, and their content is that of mmengine's hook."""
    more = dict(max_keep_ckpts=2, published_keys=['meta', 'state_dict'], save_last=True)
    files = []
    for kind in (OURS, STOCK):
        train(tmp_path / kind, by_epoch=by_epoch, checkpoint=dict(type=kind, **more))
        paths = {path.name.split('-')[0]: path for path in (tmp_path / kind).glob('*.pth')}
        files.append({name: read_checkpoint(path) for name, path in paths.items()})
        last = (tmp_path / kind / 'last_checkpoint').read_text()
        assert last == str(tmp_path / kind / ('epoch_4.pth' if by_epoch else 'iter_16.pth'))
    ours, stock = files
    assert ours.keys() == stock.keys() and len(ours) >= 5  # two kept, the best, two published
    for name in ours:
        assert ours[name].keys() == stock[name].keys(), name
        assert all(torch.equal(value, stock[name]['state_dict'][key]) for key, value in ours[name]['state_dict'].items())
        assert {key: ours[name]['meta'][key] for key in ('epoch', 'iter')} == {key: stock[name]['meta'][key] for key in ('epoch', 'iter')}


def test_what_killed_writers_left_is_removed(tmp_path):
    for name in ('epoch_7.pth.12-ab.part', 'another.pth.12-ab.part'):
        (tmp_path / name).write_bytes(b'half')
    train(tmp_path, stop=5)
    assert [path.name for path in tmp_path.glob('*.part')] == ['another.pth.12-ab.part']


def test_checkpoints_within_epochs_are_warned_of(tmp_path):
    runner, _ = build(tmp_path, checkpoint=dict(by_epoch=False, interval=3), stop=0)
    warnings = []
    runner.logger.warning = warnings.append
    with suppress(Killed):
        runner.train()
    assert any('repeats the epoch from its first batch' in line for line in warnings)


def test_a_better_score_at_the_same_iteration(tmp_path):
    """A new best checkpoint that replaces a file of the same name is not deleted."""
    runner, _ = build(tmp_path)
    runner.train()
    hook = next(hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook))
    best = Path(hook.best_ckpt_path)
    hook.after_val_epoch(runner, {'own/score': 99.0})
    assert best.name == 'best_own_score_epoch_4.pth' and hook.best_ckpt_path == str(best) and best.is_file()


@pytest.mark.parametrize(
    ('by_epoch', 'interval', 'counts', 'warned'), [(True, 1, 4, False), (True, 1, 3, True), (False, 6, 3, False), (False, 4, 3, True)]
)
def test_a_checkpoint_between_two_steps_of_the_optimiser(tmp_path, by_epoch, interval, counts, warned):
    """A checkpoint between two optimiser steps loses the accumulated gradients: the hook warns. An epoch has eight batches."""
    said = []
    runner = SimpleNamespace(
        work_dir=str(tmp_path),
        logger=SimpleNamespace(info=print, warning=said.append),
        train_loop=SimpleNamespace(dataloader=range(8)),
        optim_wrapper=SimpleNamespace(_accumulative_counts=counts),
    )
    SafeCheckpointHook(interval=interval, by_epoch=by_epoch).before_train(runner)
    assert [f'the optimiser steps every {counts}' in text for text in said] == [True] * warned
