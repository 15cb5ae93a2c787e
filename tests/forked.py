"""Tools in processes forked from one that has imported OpenMMLab: a training of a few iterations would spend most of its time on imports.

That process, Python's fork server, imports the packages that mmbdg builds on, nothing of mmbdg's own rooms, and runs nothing.
"""

import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from unformatted import leave_unformatted

PRELOADED = (
    'mmbdg',
    'torch',
    'torchvision.transforms.v2',
    'pydantic.main',
    'mmengine.runner',
    'mmpretrain.models',
    'mmpretrain.datasets',
    'mmseg.models',
    'mmseg.datasets',
    'mmseg.evaluation',
    'mmdet.datasets',
)


@cache
def server() -> ForkServerContext:
    """Context of :mod:`multiprocessing` whose processes are forked from the fork server."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(list(PRELOADED))
    return context


def start_forked(command: list[str], cwd: Path, environment: dict[str, str], log: Path) -> BaseProcess:
    """Start ``python SCRIPT ARGUMENTS``; both its output streams are appended to the file ``log``."""
    process = server().Process(target=_run, args=(command, str(cwd), environment, str(log)))
    process.start()
    return process


def run_forked(command: list[str], cwd: Path, environment: dict[str, str], log: Path, timeout: float) -> subprocess.CompletedProcess:
    """``python SCRIPT ARGUMENTS`` with its output, both streams together, by way of the file ``log``.

    Raises:
        subprocess.TimeoutExpired: It took longer than ``timeout`` seconds and was killed.
    """
    process = start_forked(command, cwd, environment, log)
    process.join(timeout)
    if process.is_alive():
        process.kill()
        process.join()
        raise subprocess.TimeoutExpired(command, timeout, log.read_text(errors='replace'))
    return subprocess.CompletedProcess(command, process.exitcode, log.read_text(errors='replace'))


def run_group(processes: int, command: list[str], cwd: Path, environment: dict[str, str], log: Path, timeout: float) -> str:
    """``torchrun --nproc_per_node=PROCESSES --standalone SCRIPT ARGUMENTS``: the processes get the variables that torchrun gives them.

    Returns:
        The output of all of them.

    Raises:
        AssertionError: One ended with another exit code than 0; the others were killed. The message holds the output.
    """
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    shared = dict(
        WORLD_SIZE=str(processes),
        LOCAL_WORLD_SIZE=str(processes),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
        TORCHELASTIC_RUN_ID=str(uuid4()),
        OMP_NUM_THREADS='1',
    )
    ranks = [dict(RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(processes)]
    running = [start_forked(command, cwd, environment | shared | rank, log) for rank in ranks]
    until = time.monotonic() + timeout
    try:
        while any(process.exitcode is None for process in running):
            wait([process.sentinel for process in running if process.exitcode is None], max(0, until - time.monotonic()))
            if any(process.exitcode for process in running) or time.monotonic() > until:
                break
    finally:
        for process in running:
            if process.is_alive():
                process.kill()
            process.join()
    codes, output = [process.exitcode for process in running], log.read_text(errors='replace')
    assert not any(codes), f'{command} ended with {codes}\n{output[-6000:]}'
    return output


def call_forked(function: Callable, *given: Any) -> Any:
    """Result of ``function(*given)`` in a forked process."""
    with ProcessPoolExecutor(1, server()) as pool:
        return pool.submit(function, *given).result()


def _run(command: list[str], cwd: str, environment: dict[str, str], log: str) -> None:
    with open(log, 'ab') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    torch.set_num_threads(int(environment['OMP_NUM_THREADS']))  # read when torch was imported
    leave_unformatted()
    multiprocessing.set_start_method('fork', force=True)  # as in a new interpreter; here it would be the fork server
    sys.argv = command
    sys.path[:0] = [str(Path(command[0]).resolve().parent), *filter(None, environment.get('PYTHONPATH', '').split(os.pathsep))]
    runpy.run_path(command[0], run_name='__main__')
