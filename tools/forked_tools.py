"""Runs tools of this folder one after the other and beside each other, OpenMMLab imported once.

A training of a minute would spend a fifth of it on imports. Each tool runs in a process of its own, forked from this one, so it does what
it does when it is started alone.
"""

import multiprocessing
import os
import runpy
import signal
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.workers import die_with_parent

TOOLS = Path(__file__).parent


class Step(NamedTuple):
    """A tool of this folder, its arguments, and the file that gets its output."""

    tool: str
    arguments: tuple[str, ...]
    log: Path
    processes: int = 1
    """More than one: by torchrun, on this machine."""


def work_off(chains: Iterable[Iterator[Step]], jobs: int = 1) -> None:
    """Run the steps of each chain in their order, of ``jobs`` chains at a time, the first ones first.

    A chain is a generator of steps; it goes on, in this process, when the step it gave is done. The jobs share the threads.

    Raises:
        InputError: A tool failed; the others are ended too.
    """
    import torch

    import_openmmlab()
    torch.set_num_threads(max(1, torch.get_num_threads() // jobs))
    waiting, running = deque(chains), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                _next_step(waiting.popleft(), running)
            for sentinel in wait(list(running)) if running else ():  # nothing: those were done before
                process, step, chain = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    raise InputError(f'{step.tool} {" ".join(step.arguments)} failed with {process.exitcode}; its output is in {step.log}')
                _next_step(chain, running)
    finally:
        for process, _, _ in running.values():
            process.terminate()
            process.join()


def import_openmmlab() -> None:
    """What every training imports."""
    import mmengine.runner  # noqa: F401
    import mmpretrain.models  # noqa: F401
    import mmseg.models  # noqa: F401

    import mmbdg.engine
    import mmbdg.evaluation  # noqa: F401


def _next_step(chain: Iterator[Step], running: dict[int, tuple[BaseProcess, Step, Iterator[Step]]]) -> None:
    step = next(chain, None)
    if step is None:
        return
    step.log.parent.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.get_context('fork').Process(target=_run_here, args=(os.getpid(), step))
    process.start()
    running[process.sentinel] = process, step, chain


def _run_here(parent: int, step: Step) -> None:
    die_with_parent(parent, signal.SIGTERM)
    _run(*step)


def _run(tool: str, arguments: tuple[str, ...], log: Path, processes: int) -> None:
    with log.open('wb') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if processes > 1:
        first, *others = arguments
        start = ('-m', 'torch.distributed.run', '--standalone', f'--nproc-per-node={processes}')
        os.execv(sys.executable, [sys.executable, *start, str(TOOLS / tool), first, '--launcher', 'pytorch', *others])
    sys.argv = [str(TOOLS / tool), *arguments]
    runpy.run_path(sys.argv[0], run_name='__main__')
