"""Tools in processes forked from one that has imported OpenMMLab: a training of a few iterations would spend most of its time on imports.

That process, Python's fork server, imports the packages that mmbdg builds on, nothing of mmbdg's own rooms, and runs nothing.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

import torch

PRELOADED = (
    'mmbdg',
    'torch',
    'torchvision',
    'mmengine.runner',
    'mmpretrain.models',
    'mmpretrain.datasets',
    'mmseg.models',
    'mmseg.datasets',
)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(list(PRELOADED))
    return context


def run_forked(command: list[str], cwd: Path, environment: dict[str, str], log: Path, timeout: float) -> subprocess.CompletedProcess:
    """``python SCRIPT ARGUMENTS`` with its output, both streams together, by way of the file ``log``.

    Raises:
        subprocess.TimeoutExpired: It took longer than ``timeout`` seconds and was killed.
    """
    process = _server().Process(target=_run, args=(command, str(cwd), environment, str(log)))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(command, timeout, log.read_text(errors='replace'))
    return subprocess.CompletedProcess(command, process.exitcode, log.read_text(errors='replace'))


def _run(command: list[str], cwd: str, environment: dict[str, str], log: str) -> None:
    with open(log, 'wb') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    torch.set_num_threads(int(environment['OMP_NUM_THREADS']))  # read when torch was imported
    sys.argv = command
    sys.path.insert(0, str(Path(command[0]).resolve().parent))
    runpy.run_path(command[0], run_name='__main__')
