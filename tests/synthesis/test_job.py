import json
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from forked import start_forked

from mmbdg.errors import InputError
from mmbdg.synthesis.job import STALE, Job, held

HOLD = """
import sys, time
from pathlib import Path
from mmbdg.errors import plain_errors
from mmbdg.synthesis.job import Job, held
folder, rank, name, *wait = sys.argv[1:]
with plain_errors(), held(Path(folder), Job(int(rank), 3, name), lambda: print('first', flush=True), wait=bool(wait)):
    print('in', flush=True)
    time.sleep(600)
"""


class Holder:
    """A process that holds a folder, or waits for it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder.parent / f'{folder.name}-{"-".join(arguments)}.log'
        script = self.log.with_suffix('.py')
        script.write_text(HOLD)
        command = [str(script), str(folder), *arguments]
        self.process: BaseProcess = start_forked(command, folder, os.environ | dict(OMP_NUM_THREADS='1'), self.log)

    def said(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def wait_for(self, *lines: str, within: float = 60) -> None:
        until = time.monotonic() + within
        while self.said() != list(lines):
            assert self.process.is_alive() and time.monotonic() < until, self.said()
            time.sleep(0.02)


@pytest.fixture
def hold(tmp_path):
    """Function that starts a process that holds a folder. All processes are killed at the end."""
    holders = []

    def start(*arguments: str) -> Holder:
        holders.append(Holder(tmp_path / 'held', *arguments))
        return holders[-1]

    (tmp_path / 'held').mkdir()
    yield start
    for holder in holders:
        holder.process.kill()
        holder.process.join()


def enter(folder, job: Job) -> list[str]:
    said = []
    with held(folder, job, lambda: said.append('first')):
        said.append('in')
    return said


def test_work_is_shared_by_rank():
    items = list(range(11))
    parts = [Job(rank, 3, 'j').part(items) for rank in range(3)]
    assert parts[1] == [1, 4, 7, 10] and sorted(sum(parts, [])) == items
    assert Job().part(items) == items


@pytest.mark.parametrize(
    'environ, expected',
    [
        ({}, (0, 1)),
        (dict(RANK='2', WORLD_SIZE='4', MASTER_ADDR='node7', MASTER_PORT='29500', TORCHELASTIC_RUN_ID='x'), (2, 4)),
        (dict(SLURM_PROCID='5', SLURM_STEP_NUM_TASKS='8', SLURM_JOB_ID='77', SLURM_STEP_ID='0'), (5, 8)),
        (dict(SLURM_PROCID='0', SLURM_STEP_NUM_TASKS='1', SLURM_JOB_ID='77', SLURM_STEP_ID='0'), (0, 1)),
    ],
)
def test_who_started_us(environ, expected):
    job = Job.from_environment(environ)
    assert (job.rank, job.world_size) == expected
    again = Job.from_environment(environ)
    assert (job.name == again.name) == (expected[1] > 1)  # processes of one job share a name, separate commands do not


def test_another_job_is_refused_until_the_first_is_dead(tmp_path, hold):
    first, folder = hold('0', 'a'), tmp_path / 'held'
    first.wait_for('first', 'in')
    with pytest.raises(InputError, match=f'another run is writing.*process {first.process.pid}'):
        enter(folder, Job(0, 1, 'b'))
    with pytest.raises(InputError, match='another run'):
        enter(folder, Job(0, 3, 'a'))  # the same rank twice
    assert enter(folder, Job(1, 3, 'a')) == ['in']  # another rank of the same job may join
    first.process.kill()
    first.process.join()
    assert enter(folder, Job(0, 1, 'b')) == ['first', 'in']  # the kernel has released the lock
    assert not list((folder / 'ranks').iterdir())


def test_waiting_for_another_job(hold):
    first = hold('0', 'a')
    first.wait_for('first', 'in')
    second = hold('0', 'b', 'wait')
    with pytest.raises(AssertionError, match=r'^\[\]'):
        second.wait_for('first', 'in', within=2)
    assert second.process.is_alive()
    first.process.kill()
    second.wait_for('first', 'in')


@pytest.mark.parametrize('silent, alive', [(0, True), (STALE / 2, True), (STALE + 5, False), (-3600, False), (-(10**9), False)])
def test_signs_of_life_of_another_host(tmp_path, silent, alive, monkeypatch):
    """A process on another host counts as running if its last heartbeat is recent.

    Its lock cannot be tested from here. A time in the future, from a clock that is ahead, does not count as recent.
    """
    monkeypatch.setattr('mmbdg.synthesis.job.OBSERVED', 0.2)
    record = tmp_path / 'ranks' / 'elsewhere-1-x.json'
    record.parent.mkdir()
    record.write_text(json.dumps(dict(job='far', rank=0, host='elsewhere', pid=1, since='today')))
    os.utime(record, (time.time() - silent,) * 2)
    if alive:
        with pytest.raises(InputError, match='process 1 on elsewhere'):
            enter(tmp_path, Job())
    else:
        assert enter(tmp_path, Job()) == ['first', 'in']


def test_a_run_shows_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr('mmbdg.synthesis.job.HEARTBEAT', 0.05)
    with held(tmp_path, Job(), lambda: None):
        (record,) = (tmp_path / 'ranks').glob('*.json')
        os.utime(record, (0, 0))
        for _ in range(100):
            if record.stat().st_mtime > 0:
                break
            time.sleep(0.05)
        assert time.time() - record.stat().st_mtime < 60


@pytest.mark.parametrize('offset', [-86400.0, 86400.0])
def test_a_host_with_another_clock_is_alive_if_its_time_moves(tmp_path, offset, monkeypatch):
    monkeypatch.setattr('mmbdg.synthesis.job.OBSERVED', 5)
    record, stop = tmp_path / 'ranks' / 'elsewhere-1-x.json', threading.Event()
    record.parent.mkdir()
    record.write_text(json.dumps(dict(job='far', rank=0, host='elsewhere', pid=1, since='today')))
    os.utime(record, (time.time() + offset,) * 2)

    def beat() -> None:
        while not stop.wait(0.1):
            os.utime(record, (time.time() + offset,) * 2)

    thread, said = threading.Thread(target=beat), []
    thread.start()
    try:
        with pytest.raises(InputError, match='process 1 on elsewhere'), held(tmp_path, Job(), lambda: None, say=said.append):
            pass
    finally:
        stop.set()
        thread.join()
    assert said == [f'a process on elsewhere has locked {tmp_path.parent}; checking for 5 s whether it is alive']


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"job": 3}', '[' * 50_000, '\0' * 100, '{"job": "a", "rank": "0", "host": "h"}'])
def test_records_that_are_none(tmp_path, text):
    """An unreadable record, for example after a crash of the machine, does not block the folder."""
    record = tmp_path / 'ranks' / 'x-1-y.json'
    record.parent.mkdir()
    record.write_text(text)
    assert enter(tmp_path, Job()) == ['first', 'in'] and not record.exists()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_leaves_no_lock(tmp_path, hold, number):
    first, ranks = hold('0', 'a'), tmp_path / 'held' / 'ranks'
    first.wait_for('first', 'in')
    assert list(ranks.iterdir())
    os.kill(first.process.pid, number)
    first.process.join(30)
    assert first.process.exitcode == 128 + number and 'Traceback' not in first.log.read_text()
    assert not list(ranks.iterdir())
