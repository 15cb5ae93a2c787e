"""The process pool of the studies: runs tools in forked processes, so that OpenMMLab is imported once.

A training of a minute would spend a fifth of it on imports. Each tool runs in a process of its own, so it does what it does when it is
started alone.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from mmbdg.errors import InputError
from mmbdg.reading import read_lines
from mmbdg.workers import die_with_parent


class ToolRun(NamedTuple):
    """One call of a tool."""

    tool: Path
    """The script."""
    arguments: tuple[str, ...]
    """Its command line."""
    log: Path
    """The file that gets its output. Two runs with the same log are the same run: the second waits for the first."""
    processes: int = 1
    """More than one: started by torchrun, on this machine."""


Chain = Generator[ToolRun, float | None, None]
"""Gives tool runs one after the other. It is sent the seconds that each took, or None if another chain made the same run."""


class Running(NamedTuple):
    """A tool at work, the chain that it belongs to, and the chains that wait for it."""

    process: BaseProcess
    run: ToolRun
    chain: Chain
    start: float
    others: list[Chain]


def work_off(chains: Iterable[Chain], jobs: int = 1, threads: int = 1) -> None:
    """Run the tools of each chain in their order, ``jobs`` of them at a time, the first chains first.

    Args:
        chains: Each goes on, in this process, when the run that it gave is done.
        jobs: Number of tools that run at the same time, at least 1.
        threads: Number of CPU threads of each tool, at least 1.

    Raises:
        InputError: A tool failed. The other tools are ended too.
    """
    waiting: deque[tuple[Chain, float | None]] = deque((chain, None) for chain in chains)
    running: dict[int, Running] = {}
    prepared = False
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                chain, seconds = waiting.popleft()
                run = _next_run(chain, seconds)
                if run is None:
                    continue
                if same := next((one for one in running.values() if one.run.log == run.log), None):
                    same.others.append(chain)
                    continue
                if not prepared:  # not before there is something to do
                    _prepare(threads)
                    prepared = True
                process = _start(run)
                running[process.sentinel] = Running(process, run, chain, time.monotonic(), [])
            for sentinel in wait(list(running)) if running else ():
                process, run, chain, start, others = running.pop(sentinel)
                process.join()
                if process.exitcode:
                    raise InputError(_failure(run, process.exitcode))
                waiting.extendleft((other, None) for other in reversed(others))
                waiting.appendleft((chain, time.monotonic() - start))
    finally:
        for one in running.values():
            one.process.terminate()
            one.process.join()


def import_openmmlab() -> None:
    """What every training imports."""
    import mmengine.runner  # noqa: F401
    import mmpretrain.models  # noqa: F401
    import mmseg.models  # noqa: F401

    import mmbdg.engine
    import mmbdg.evaluation  # noqa: F401


def _prepare(threads: int) -> None:
    import torch

    import_openmmlab()
    torch.set_num_threads(threads)
    os.environ['OMP_NUM_THREADS'] = str(threads)  # what the tools start themselves


def _next_run(chain: Chain, seconds: float | None) -> ToolRun | None:
    try:
        return chain.send(seconds)  # None at first, which starts it
    except StopIteration:
        return None


def _start(run: ToolRun) -> BaseProcess:
    run.log.parent.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.get_context('fork').Process(target=_run_here, args=(os.getpid(), run))
    process.start()
    return process


def _failure(run: ToolRun, code: int) -> str:
    said = [line for line in read_lines(run.log) if line.startswith('error: ')] if run.log.is_file() else []
    last = f': {said[-1].removeprefix("error: ")}' if said else ''
    return f'{run.tool.name} {" ".join(run.arguments)} failed with {code}{last}; its output is in {run.log}'


def _run_here(parent: int, run: ToolRun) -> None:
    die_with_parent(parent, signal.SIGTERM)
    _run(*run)


def _run(tool: Path, arguments: tuple[str, ...], log: Path, processes: int) -> None:
    with log.open('wb') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if processes > 1:
        first, *others = arguments
        start = ('-m', 'torch.distributed.run', '--standalone', f'--nproc-per-node={processes}')
        os.execv(sys.executable, [sys.executable, *start, str(tool), first, '--launcher', 'pytorch', *others])
    sys.argv = [str(tool), *arguments]
    sys.path.insert(0, str(tool.parent))  # as Python does for a script
    runpy.run_path(sys.argv[0], run_name='__main__')
