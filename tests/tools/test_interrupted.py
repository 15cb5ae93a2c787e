"""Ctrl-C and SIGTERM end a training or a synthesis with one line, and the next start is possible."""

import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from conftest import ROOT, run_tool
from forked import start_forked

TRAIN = (
    *('tools/train.py', 'configs/transfer/fashion/fpn_r18_frozen.py', '--work-dir'),
    *('--cfg-options', 'pretrained=None', 'iterations=1000000', 'train_dataloader.num_workers=1', 'default_hooks.logger.interval=1'),
    *('model.backbone.base_channels=8', 'model.backbone.stem_channels=8', 'model.neck.in_channels=[8,16,32,64]'),
    *('train_dataloader.batch_size=4', 'val_dataloader.dataset.label_fraction=0.01'),
)
SYNTHESIS = ('tools/synthesize.py', 'configs/synthesis/biggan32_fashion.py', '--num-per-class', '10000')


SESSION = """
import os, runpy, sys
os.setsid()
sys.argv = sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
runpy.run_path(sys.argv[0], run_name='__main__')
"""
"""Runs a tool in a process group of its own, as a shell does."""


def started(command, log) -> BaseProcess:
    script = log.parent / 'session.py'
    script.write_text(SESSION)
    return start_forked([str(script), *map(str, command)], ROOT, os.environ | dict(OMP_NUM_THREADS='1'), log)


def wait_for(word, log, process):
    until = time.monotonic() + 120
    while not log.exists() or word not in log.read_text(errors='replace'):
        assert process.is_alive() and time.monotonic() < until, log.exists() and log.read_text(errors='replace')[-3000:]
        time.sleep(0.05)


def interrupted(process, number, log) -> list[str]:
    """Lines printed after a signal to the whole process group. Checks that no process of the group is left."""
    said = len(log.read_bytes())
    os.killpg(process.pid, number)
    process.join(60)
    assert process.exitcode == 128 + number
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)  # raises an error if no process of the group is left
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        raise AssertionError('a process outlives the training')
    return [line for line in log.read_bytes()[said:].decode(errors='replace').splitlines() if line.strip()]


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_training(number, tmp_path):
    """While a training runs, a second training in its work dir raises an error. Afterwards the work dir is free."""
    log, work_dir = tmp_path / 'log', tmp_path / 'work'
    training = started([*TRAIN[:3], work_dir, *TRAIN[3:]], log)
    try:
        wait_for('Iter(train)', log, training)
        os.killpg(training.pid, signal.SIGSTOP)  # leaves the processor to the second training
        second = run_tool(*TRAIN[:3], work_dir, *TRAIN[3:], check=False)
        os.killpg(training.pid, signal.SIGCONT)
        told = second.stdout.strip()
        assert second.returncode == 2 and '\n' not in told
        assert told.startswith(f'error: another run is writing to {work_dir} (process {training.pid} ')
        lines = interrupted(training, number, log)
        ended = f'error: ended by {number.name}. What was complete stays. The same command with --resume continues'
        assert [line for line in lines if 'mmengine - INFO' not in line] == [ended] == lines[-1:]
        assert 'Traceback' not in log.read_text()
    finally:
        if training.is_alive():
            os.killpg(training.pid, signal.SIGKILL)
        training.join()
    if number == signal.SIGINT:
        run_tool(*TRAIN[:3], work_dir, *TRAIN[3:], 'iterations=1', 'train_dataloader.num_workers=0')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_synthesis(number, tmp_path):
    log = tmp_path / 'log'
    synthesis = started([*SYNTHESIS[:2], tmp_path / 'out', *SYNTHESIS[2:]], log)
    try:
        wait_for('synthesis:', log, synthesis)
        lines = interrupted(synthesis, number, log)
    finally:
        synthesis.kill()
        synthesis.join()
    assert lines[-1] == f'error: ended by {number.name}. What was complete stays. The same command continues'
    assert all(line.startswith('synthesis:') for line in lines[:-1]) and 'Traceback' not in log.read_text()


def test_workers_of_a_killed_training(tmp_path):
    """Worker processes of a training that is killed with SIGKILL end too."""
    log = tmp_path / 'log'
    training = started([*TRAIN[:3], tmp_path / 'work', *TRAIN[3:]], log)
    try:
        wait_for('Iter(train)', log, training)
        workers = [int(pid) for pid in Path(f'/proc/{training.pid}/task/{training.pid}/children').read_text().split()]
        assert workers
        training.kill()
        training.join(30)
        time.sleep(2)  # torch's own check takes five seconds
        assert not [pid for pid in workers if Path(f'/proc/{pid}').exists() and ') Z' not in Path(f'/proc/{pid}/stat').read_text()]
    finally:
        training.kill()
        training.join()
