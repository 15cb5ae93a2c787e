"""One training at a time in a work dir.

The processes of one training share it. Others get an error, and a process that has ended does not block it.
"""

import os
import signal
import socket
import time

import pytest
from mmengine.config import Config

from mmbdg.engine.work_dir import LOCK, held_work_dir, training_job
from mmbdg.errors import InputError
from mmbdg.files import write_json


def config(folder, launcher: str = 'none') -> Config:
    return Config(dict(work_dir=str(folder), launcher=launcher))


@pytest.fixture
def start(tmp_path):
    """A training in another process that holds the folder until it is killed."""
    pids = []

    def started(launcher: str = 'none', **environ) -> int:
        here, there = os.pipe()
        if (pid := os.fork()) == 0:
            try:
                os.environ.update(environ)
                with held_work_dir(config(tmp_path, launcher)):
                    os.write(there, b'in')
                    time.sleep(60)
            finally:
                os._exit(1)
        os.close(there)
        assert os.read(here, 2) == b'in'
        os.close(here)
        pids.append(pid)
        return pid

    yield started
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_a_second_training_is_refused(start, tmp_path):
    pid = start()
    told = rf'another run is writing to {tmp_path} \(process {pid} on {socket.gethostname()}.*Or give this training another --work-dir'
    with pytest.raises(InputError, match=told), held_work_dir(config(tmp_path)):
        raise AssertionError('is in')
    with held_work_dir(config(tmp_path / 'other')):
        pass


def test_a_killed_training_holds_nothing(start, tmp_path):
    pid = start()
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    with held_work_dir(config(tmp_path)):
        assert len(list((tmp_path / LOCK / 'ranks').iterdir())) == 2  # the entries of its own processes only, none of ended processes
    with held_work_dir(config(tmp_path)):
        pass


def test_errors_of_the_training_itself_pass(tmp_path):
    with pytest.raises(InputError, match='^no data$'), held_work_dir(config(tmp_path)):
        raise InputError('no data')
    with pytest.raises(ZeroDivisionError), held_work_dir(config(tmp_path)):
        _ = 1 / 0
    with held_work_dir(config(tmp_path)):
        pass


TORCHRUN = dict(WORLD_SIZE='2', MASTER_ADDR='localhost', MASTER_PORT='29512', TORCHELASTIC_RUN_ID='x')


def test_processes_of_one_training_share_it(start, tmp_path, monkeypatch):
    start('pytorch', RANK='1', **TORCHRUN)
    for key, value in dict(TORCHRUN, RANK='0').items():
        monkeypatch.setenv(key, value)
    with held_work_dir(config(tmp_path, 'pytorch')):
        pass
    with pytest.raises(InputError, match='another run'), held_work_dir(config(tmp_path)):  # two trainings: torchrun without --launcher
        raise AssertionError('is in')
    monkeypatch.setenv('MASTER_PORT', '29513')
    with pytest.raises(InputError, match='another run'), held_work_dir(config(tmp_path, 'pytorch')):
        raise AssertionError('is in')


@pytest.mark.parametrize(
    ('launcher', 'environ', 'place'),
    [
        ('none', dict(TORCHRUN, RANK='1'), (0, 1)),
        ('pytorch', dict(TORCHRUN, RANK='1'), (1, 2)),
        ('slurm', dict(RANK='7', WORLD_SIZE='9', SLURM_PROCID='3', SLURM_STEP_NUM_TASKS='4', SLURM_JOB_ID='5', SLURM_STEP_ID='0'), (3, 4)),
        ('mpi', dict(OMPI_COMM_WORLD_RANK='2', OMPI_COMM_WORLD_SIZE='3', PMIX_NAMESPACE='j', MASTER_ADDR='n'), (2, 3)),
        ('mpi', dict(), (0, 1)),
    ],
)
def test_the_place_of_a_process(launcher, environ, place):
    job, again = training_job(launcher, environ), training_job(launcher, environ)
    assert (job.rank, job.world_size) == place
    assert (job.name == again.name) == (place[1] > 1)  # all processes of a job have the same name


def test_one_on_another_host_is_waited_for(tmp_path, monkeypatch, capsys):
    """A training waits for a process on another host, which may have been killed there and restarted here."""
    ranks = tmp_path / LOCK / 'ranks'
    ranks.mkdir(parents=True)
    write_json(ranks / 'node7.json', dict(job='x', rank=0, host='node7', pid=1, since='2026-01-01 00:00:00'))
    with pytest.raises(InputError, match='process 1 on node7'), held_work_dir(config(tmp_path)):
        raise AssertionError('is in')
    monkeypatch.setattr('mmbdg.synthesis.job.STALE', 1.0)
    monkeypatch.setattr('mmbdg.synthesis.job.OBSERVED', 0.2)
    with held_work_dir(config(tmp_path), patient=True):
        assert not (ranks / 'node7.json').exists()
    assert f'a process on node7 has locked {tmp_path}; ' in capsys.readouterr().out


def test_incomplete_files_of_a_killed_training_are_removed(tmp_path, capsys):
    """Those of a running process, which may be tools/test.py, stay; so does a file of another name."""
    if (killed := os.fork()) == 0:
        os._exit(0)
    os.waitpid(killed, 0)
    own = tmp_path / f'test.json.{os.getpid()}-0123abcd.part'
    for path in (tmp_path / f'weights.safetensors.json.{killed}-0123abcd.part', own, tmp_path / 'mine.part'):
        path.write_text('{')
    (tmp_path / f'pipeline.new.{killed}.part').mkdir()
    (tmp_path / f'pipeline.new.{killed}.part' / 'x.json').write_text('{')
    with held_work_dir(config(tmp_path)):
        assert sorted(path.name for path in tmp_path.glob('*.part')) == ['mine.part', own.name]
    assert capsys.readouterr().out.count('which was incomplete') == 2
