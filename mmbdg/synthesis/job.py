"""Processes that make one dataset together, without talking to each other, and a lock that keeps others away."""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from mmbdg.errors import InputError
from mmbdg.files import write_json

HEARTBEAT, STALE = 15.0, 120.0
"""Seconds between two signs of life, and after which a silent process of another host counts as dead."""

Item = TypeVar('Item')


@dataclass(frozen=True)
class Job:
    """This process's place among those that one command started.

    Args:
        rank: Of this process, from 0.
        world_size: How many there are.
        name: The same for all of them, and for no other job.
    """

    rank: int = 0
    world_size: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> 'Job':
        """As ``torchrun`` or slurm's ``srun`` say; else, in a batch script of slurm without ``srun`` too, a job of one process.

        Raises:
            InputError: They say it only in part.
        """
        for rank, size in (('RANK', 'WORLD_SIZE'), ('SLURM_PROCID', 'SLURM_STEP_NUM_TASKS')):
            if rank not in environ or size not in environ:
                continue
            if int(environ[size]) == 1:
                return cls()
            names = ('TORCHELASTIC_RUN_ID', 'MASTER_ADDR', 'MASTER_PORT') if rank == 'RANK' else ('SLURM_JOB_ID', 'SLURM_STEP_ID')
            name = '/'.join(environ.get(key, '') for key in names)
            if environ.get('MASTER_ADDR', '') in ('localhost', '127.0.0.1', '::1', ''):
                name += '' if rank == 'SLURM_PROCID' else f'/{socket.gethostname()}'
            return cls(int(environ[rank]), int(environ[size]), name)
        return cls()

    def part(self, items: Sequence[Item], rank: int | None = None) -> list[Item]:
        """The share of a process, this one's if no rank is named: every ``world_size``-th item."""
        return list(items[self.rank if rank is None else rank :: self.world_size])

    def __str__(self) -> str:
        return f'rank {self.rank} of {self.world_size}'


@contextmanager
def held(folder: Path, job: Job, first: Callable[[], None], wait: bool = False, patience: float = 0.0) -> Iterator[None]:
    """Hold a folder for a job: its other processes may join, those of other jobs may not.

    Each process holds a file lock of its own, which the kernel frees when it dies, and shows signs of life, which count where that lock
    cannot be asked: on another host.

    Args:
        folder: Where the locks lie; it is made.
        job: Of this process.
        first: Called by the first living process of the job, while no other can come in.
        wait: Whether to wait for another job to end instead of refusing.
        patience: Seconds to wait for one of another host, which may be dead.

    Raises:
        InputError: Another job, or another process of this rank, is at work there.
    """
    from filelock import FileLock

    places = folder / 'ranks'
    places.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    while True:
        with ExitStack() as stack:
            with FileLock(folder / 'lock'):  # short: nobody else comes or is found dead meanwhile
                others = [other for path in sorted(places.glob('*.json')) if (other := _living(path))]
                strangers = [other for other in others if other['job'] != job.name or other['rank'] == job.rank]
                if not strangers:
                    if not others:
                        first()
                    stack.enter_context(_present(places / f'{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}', job))
            if not strangers:
                yield
                return
        other = next((one for one in strangers if one['host'] == socket.gethostname()), strangers[0])
        far = other['host'] != socket.gethostname()
        if not (wait or (far and time.monotonic() < until)):
            raise InputError(
                f'another run is writing to {folder.parent} (process {other["pid"]} on {other["host"]}, since {other["since"]}): '
                f'let it end, or stop it first; what it has made stays. On another host a dead one is known as such after {STALE:.0f} s'
            )
        time.sleep(1)


@contextmanager
def at_work(folder: Path, name: str) -> Iterator[bool]:
    """Whether a piece of work is free; it is this process's meanwhile. On a share without locks two may get it, and make the same bytes."""
    from filelock import FileLock, Timeout

    path = folder / 'working' / f'{name}.lock'
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield True
            path.unlink(missing_ok=True)
    except Timeout:
        yield False


@contextmanager
def _present(place: Path, job: Job) -> Iterator[None]:
    from filelock import FileLock

    record, stop = place.with_suffix('.json'), threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT):
            with suppress(OSError):  # a share that fails for a moment; if the folder went away the run itself will say so
                os.utime(record)

    with FileLock(place.with_suffix('.lock')):
        since = time.strftime('%Y-%m-%d %H:%M:%S')
        write_json(record, dict(job=job.name, rank=job.rank, host=socket.gethostname(), pid=os.getpid(), since=since))
        heart = threading.Thread(target=beat, daemon=True)
        heart.start()
        try:
            yield
        finally:
            stop.set()
            record.unlink(missing_ok=True)
    place.with_suffix('.lock').unlink(missing_ok=True)


def _living(record: Path) -> dict | None:
    """Who is at work there; the traces of the dead are removed."""
    from filelock import FileLock, Timeout

    try:
        other = json.loads(record.read_text(encoding='utf-8'))
        silent = time.time() - record.stat().st_mtime
    except (OSError, json.JSONDecodeError):
        return None  # it left just now
    lock = record.with_suffix('.lock')
    if other['host'] == socket.gethostname():
        try:
            with FileLock(lock, timeout=0):
                alive = False
        except Timeout:
            alive = True
    else:
        alive = silent < STALE
    if alive:
        return other
    record.unlink(missing_ok=True)
    lock.unlink(missing_ok=True)
    return None
