"""Process pool of the studies: runs tools in forked processes, so that OpenMMLab is imported only once.

Otherwise imports would take a fifth of the time of a one-minute training. Each tool runs in its own process, so it behaves as if it were
started from the command line.
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
    """Script of the tool."""
    arguments: tuple[str, ...]
    """Command line."""
    log: Path
    """File for the output. Two runs with the same log are the same run: the second one waits for the first one."""
    processes: int = 1
    """Number of processes. More than one are started by torchrun on this machine."""


Chain = Generator[ToolRun, float | None, None]
"""Yields tool runs one after another. It is sent the seconds that each run took, or None if another chain executed the same run."""


class Running(NamedTuple):
    """A running tool, its chain, and the chains that wait for it."""

    process: BaseProcess
    run: ToolRun
    chain: Chain
    start: float
    others: list[Chain]


def work_off(chains: Iterable[Chain], jobs: int = 1, threads: int = 1) -> None:
    """Run the tools of all chains, ``jobs`` at a time. Earlier chains have priority.

    Args:
        chains: Chains of tool runs. A chain continues in this process when its current run has ended.
        jobs: Number of tools that run at the same time, at least 1. Default: 1.
        threads: Number of CPU threads of each tool, at least 1. Default: 1.

    Raises:
        InputError: A tool failed. The other tools are terminated.
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
                if not prepared:  # the imports are slow, so they wait for the first run
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
    """Import the packages that every training needs."""
    import mmengine.runner  # noqa: F401
    import mmpretrain.models  # noqa: F401
    import mmseg.models  # noqa: F401

    import mmbdg.engine
    import mmbdg.evaluation  # noqa: F401


def _prepare(threads: int) -> None:
    import torch

    import_openmmlab()
    torch.set_num_threads(threads)
    os.environ['OMP_NUM_THREADS'] = str(threads)  # for processes that the tools start


def _next_run(chain: Chain, seconds: float | None) -> ToolRun | None:
    try:
        return chain.send(seconds)  # the first value is None, which starts the generator
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
    sys.path.insert(0, str(tool.parent))  # as Python does when it runs a script
    runpy.run_path(sys.argv[0], run_name='__main__')
