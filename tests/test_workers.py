"""Worker processes end with the process that started them."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from forked import start_forked

TRAINING = """
import os, sys, time
from torch.utils.data import DataLoader, Dataset
from mmbdg.workers import end_with_this_process

class Slow(Dataset):
    def __len__(self):
        return 100

    def __getitem__(self, index):
        if index >= 4:
            time.sleep(600)  # a file on a network drive, say
        open(os.path.join(sys.argv[1], str(os.getpid())), 'w').close()
        return index

for _ in end_with_this_process(DataLoader(Slow(), 2, num_workers=2)):
    pass
"""


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie process counts as ended, because possibly no parent collects it."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='the kernel call is of Linux')
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
def test_workers_that_are_busy(number, tmp_path):
    script, seen = tmp_path / 'training.py', tmp_path / 'workers'
    script.write_text(TRAINING)
    seen.mkdir()
    process = start_forked([str(script), str(seen)], tmp_path, os.environ | dict(OMP_NUM_THREADS='1'), tmp_path / 'log')
    try:
        until = time.monotonic() + 60
        while len(list(seen.iterdir())) < 2:
            assert process.is_alive() and time.monotonic() < until
            time.sleep(0.05)
        workers = [int(path.name) for path in seen.iterdir()]
        assert all(map(alive, workers)) and process.pid not in workers
        os.kill(process.pid, number)
        process.join(30)
        until = time.monotonic() + 3
        while any(map(alive, workers)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not any(map(alive, workers))
    finally:
        process.kill()
        process.join()


def test_a_loaders_own_beginning_is_kept():
    from torch.utils.data import DataLoader

    from mmbdg.workers import end_with_this_process

    begun = lambda number: os.environ.update(MMBDG_BEGUN=str(number))  # noqa: E731
    data = [lambda: None]
    loader = end_with_this_process(
        DataLoader(data, num_workers=1, worker_init_fn=begun, collate_fn=lambda _: os.environ.get('MMBDG_BEGUN'))
    )
    assert list(loader) == ['0']
    plain = DataLoader(data, worker_init_fn=begun)
    assert end_with_this_process(plain).worker_init_fn is begun
