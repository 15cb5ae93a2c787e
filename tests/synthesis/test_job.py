import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from mmbdg.errors import InputError
from mmbdg.synthesis.job import STALE, Job, held

HOLD = """
import sys, time
from pathlib import Path
from mmbdg.synthesis.job import Job, held
with held(Path(sys.argv[1]), Job(int(sys.argv[2]), 3, sys.argv[3]), lambda: print('first', flush=True)):
    print('in', flush=True)
    time.sleep(600)
"""


@pytest.fixture
def hold(tmp_path):
    """Function that starts a process that holds a folder. All processes are killed at the end."""
    processes = []

    def start(rank: int, name: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, '-c', HOLD, tmp_path, str(rank), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


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
    process = hold(0, 'a')
    assert [process.stdout.readline().strip() for _ in range(2)] == ['first', 'in']
    with pytest.raises(InputError, match=f'another run is writing.*process {process.pid}'):
        enter(tmp_path, Job(0, 1, 'b'))
    with pytest.raises(InputError, match='another run'):
        enter(tmp_path, Job(0, 3, 'a'))  # the same rank twice
    assert enter(tmp_path, Job(1, 3, 'a')) == ['in']  # another rank of the same job may join
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert enter(tmp_path, Job(0, 1, 'b')) == ['first', 'in']  # the kernel has released the lock
    assert not list((tmp_path / 'ranks').iterdir())


def test_waiting_for_another_job(tmp_path, hold):
    process = hold(0, 'a')
    assert process.stdout.readline().strip() == 'first' and process.stdout.readline().strip() == 'in'
    waiting = subprocess.Popen(
        [sys.executable, '-c', HOLD.replace("'first', flush=True))", "'first', flush=True), wait=True)"), tmp_path, '0', 'b'],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(3)
        assert waiting.poll() is None
        process.kill()
        assert waiting.stdout.readline().strip() == 'first'
    finally:
        waiting.kill()
        waiting.communicate()


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
def test_an_interrupted_process_leaves_no_lock(tmp_path, number):
    code = HOLD.replace('with held', 'from mmbdg.errors import plain_errors\nwith plain_errors(), held')
    process = subprocess.Popen([sys.executable, '-c', code, tmp_path, '0', 'a'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert [process.stdout.readline().strip() for _ in range(2)] == ['first', 'in']
    assert list((tmp_path / 'ranks').iterdir())
    process.send_signal(number)
    said = process.communicate(timeout=30)
    assert process.returncode != 0 and 'Traceback' not in ''.join(said)
    assert not list((tmp_path / 'ranks').iterdir())
