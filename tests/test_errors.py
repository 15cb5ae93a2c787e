"""How an error reaches whoever typed the command."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time
from torch.utils.data import DataLoader
from mmbdg.errors import InputError, plain_errors

class Data:
    def __len__(self): return 8
    def __getitem__(self, i):
        if sys.argv[1] == 'killed':
            os.kill(os.getpid(), signal.SIGKILL)
        if sys.argv[1] == 'refused':
            raise InputError('image 3 has no mask: draw one')
        raise KeyError('a fault of ours')

with plain_errors():
    list(DataLoader(Data(), 2, num_workers=1))
"""


@pytest.mark.parametrize('what', ['killed', 'refused', 'fault'])
def test_errors_of_workers(what):
    result = subprocess.run([sys.executable, '-c', PROGRAM, what], capture_output=True, text=True, timeout=120, check=False)
    if what == 'fault':
        assert result.returncode == 1 and 'Traceback' in result.stderr and 'a fault of ours' in result.stderr
        return
    assert result.returncode == 2, result.stderr
    error = result.stderr[result.stderr.index('error: ') :]
    assert 'Traceback' not in error
    if what == 'refused':
        assert error.strip() == 'error: image 3 has no mask: draw one'
    else:
        assert 'killed' in error and 'lower train_dataloader.num_workers' in error and '--resume' in error
