"""Jobs of several processes that make one dataset without communication, and locks against other jobs."""

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
from mmbdg.reading import read_json
from mmbdg.schema import Schema

HEARTBEAT, STALE = 15.0, 120.0
"""Interval of the heartbeat, and age at which the last heartbeat of a process on another host means that it is dead; seconds."""
OBSERVED = 3 * HEARTBEAT
"""Seconds for which a process is observed if the time of its last heartbeat is in doubt: the clocks of the two hosts may differ."""

Item = TypeVar('Item')


@dataclass(frozen=True)
class Job:
    """The rank of this process in a job. All processes of one command form a job.

    Args:
        rank: Rank of this process, from 0.
        world_size: Number of processes.
        name: Name of the job: the same for all its processes, different for every other job.
    """

    rank: int = 0
    world_size: int = 1
    name: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> 'Job':
        """Return the job that the variables of ``torchrun`` or of slurm's ``srun`` describe.

        Without them, and in a slurm batch script without ``srun``, it is a job of one process.
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

    def part(self, items: Sequence[Item], rank: int | None = None) -> Sequence[Item]:
        """Return the share of a process: every ``world_size``-th item. Default rank: this process."""
        return items[self.rank if rank is None else rank :: self.world_size]

    def __str__(self) -> str:
        return f'rank {self.rank} of {self.world_size}'


class Presence(Schema):
    """Record of a process that holds a folder."""

    job: str
    rank: int
    host: str
    pid: int
    since: str


@contextmanager
def held(
    folder: Path,
    job: Job,
    first: Callable[[], None],
    wait: bool = False,
    say: Callable[[str], None] = lambda line: None,
    patience: float = 0.0,
) -> Iterator[None]:
    """Lock a folder for a job. Other processes of the job may enter, processes of other jobs may not.

    Each process holds its own file lock, which the kernel releases when the process dies. It also writes a heartbeat, which is used when
    the lock is on another host and cannot be checked.

    Args:
        folder: Folder of the locks; it is created.
        job: Job of this process.
        first: Function that the first living process of the job calls, while no other process can enter.
        wait: Whether to wait until another job ends; default False: raise an error.
        say: Function that gets a line about what is being waited for.
        patience: Seconds to wait for a job on another host, which may be dead; default 0.

    Raises:
        InputError: Another job, or another process of this rank, is at work there.
    """
    from filelock import FileLock

    places = folder / 'ranks'
    places.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    while True:
        with ExitStack() as stack:
            # This lock is held for a short time only, except while other hosts are observed. No other process enters meanwhile.
            with FileLock(folder / 'lock'):
                others = _living(places, say)
                blocking = [other for other in others if other['job'] != job.name or other['rank'] == job.rank]
                if not blocking:
                    if not others:
                        first()
                    stack.enter_context(_present(places / f'{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}', job))
            if not blocking:
                yield
                return
        other = next((one for one in blocking if one['host'] == socket.gethostname()), blocking[0])
        far = other['host'] != socket.gethostname()
        if not (wait or (far and time.monotonic() < until)):
            raise InputError(
                f'another run is writing to {folder.parent} (process {other["pid"]} on {other["host"]}, since {other["since"]}): '
                f'wait for its end or stop it; its finished work stays. A dead process on another host is detected after {STALE:.0f} s'
            )
        time.sleep(1)


@contextmanager
def at_work(folder: Path, name: str) -> Iterator[bool]:
    """Context that yields whether a unit of work is free, and reserves it for this process.

    On a shared file system without locks two processes may get the same unit. They then write the same bytes.
    """
    from filelock import FileLock, Timeout

    path = folder / 'working' / f'{name}.lock'
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)  # remove it while it is locked: a process that creates it again gets a new file
        lock.release()


@contextmanager
def _present(place: Path, job: Job) -> Iterator[None]:
    from filelock import FileLock

    record, stop = place.with_suffix('.json'), threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT):
            with suppress(OSError):  # a shared file system may fail for a moment; a lost folder is an error in the main thread
                os.utime(record)

    with FileLock(place.with_suffix('.lock')):
        try:
            since = time.strftime('%Y-%m-%d %H:%M:%S')
            content = dict(job=job.name, rank=job.rank, host=socket.gethostname(), pid=os.getpid(), since=since)
            write_json(record, content, sync=False)
            threading.Thread(target=beat, daemon=True).start()
            yield
        finally:
            stop.set()
            record.unlink(missing_ok=True)
            place.with_suffix('.lock').unlink(missing_ok=True)


def _living(places: Path, say: Callable[[str], None]) -> list[dict]:
    """Return the records of the living processes. Records of dead processes and invalid records are removed."""
    found, uncertain = [], []
    for record in sorted(places.glob('*.json')):
        try:
            other, beat = read_json(record, Presence), record.stat().st_mtime
        except (InputError, OSError):  # the process just left, or its host crashed: living processes have complete records
            if _is_locked(record):
                found.append(dict(job='', rank=-1, host=socket.gethostname(), pid='unknown', since='an unknown time'))
            else:
                _remove(record)
            continue
        if other['host'] == socket.gethostname():
            alive: bool | None = _is_locked(record)
        else:
            alive = True if -HEARTBEAT <= time.time() - beat < STALE else None
        if alive is None:
            uncertain.append((record, other, beat))
        elif alive:
            found.append(other)
        else:
            _remove(record)
    return found + _observed(uncertain, say)


def _observed(uncertain: Sequence[tuple[Path, dict, float]], say: Callable[[str], None]) -> list[dict]:
    """Return the processes of other hosts whose heartbeat changes during an observation. This needs no synchronous clocks."""
    found, left, end = [], list(uncertain), time.monotonic() + OBSERVED
    if uncertain:
        hosts = ', '.join(sorted({other['host'] for _, other, _ in uncertain}))
        say(f'a process on {hosts} has locked {uncertain[0][0].parents[2]}; checking for {OBSERVED:.0f} s whether it is alive')
    while left and time.monotonic() < end:
        time.sleep(min(1.0, OBSERVED / 10))
        for record, other, beat in list(left):
            with suppress(OSError):  # the process just left
                if record.stat().st_mtime == beat:
                    continue
                found.append(other)
            left.remove((record, other, beat))
    for record, _, _ in left:
        _remove(record)
    return found


def _is_locked(record: Path) -> bool:
    """Whether the process of a record of this host is alive."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(record.with_suffix('.lock'), timeout=0):
            return False
    except Timeout:
        return True


def _remove(record: Path) -> None:
    record.unlink(missing_ok=True)
    record.with_suffix('.lock').unlink(missing_ok=True)
