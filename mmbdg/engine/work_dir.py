"""Creation and locking of a training's work dir: it must be writable, and only one training at a time may write to it."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from mmbdg.errors import InputError, os_error_text
from mmbdg.files import remove_orphans
from mmbdg.synthesis.job import HEARTBEAT, STALE, Job, held

LOCK = '.lock'
"""Folder in the work dir with the lock of the running training."""


def prepare_work_dir(cfg: Config) -> None:
    """Create the work dir of a training or test.

    Raises:
        InputError: The path is a file, or the folder cannot be written to.
    """
    folder = Path(cfg.work_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f'--work-dir {folder} cannot be written to: {os_error_text(error)}') from error


@contextmanager
def held_work_dir(cfg: Config, patient: bool = False) -> Iterator[None]:
    """Lock the work dir of a training; all processes of one training share the lock.

    Incomplete files of a killed training are removed first. If the training is killed, the kernel frees its lock. For a lock on another
    host, only a missing heartbeat shows this, after a while.

    Args:
        cfg: Config of the training.
        patient: Wait until the heartbeat of a lock on another host is stale. Useful for a job that was killed there and re-queued here.

    Raises:
        InputError: Another training uses this work dir.
    """
    folder = Path(cfg.work_dir)
    patience = STALE + 2 * HEARTBEAT if patient else 0.0

    def clear() -> None:  # called while nobody holds the lock
        for left in (folder / LOCK / 'ranks').glob('*.lock'):
            left.unlink(missing_ok=True)
        for left in remove_orphans(folder):  # of a killed training; tools/test.py may be writing to the folder
            print(f'removed {left}, which was incomplete')

    try:
        with held(folder / LOCK, training_job(cfg.launcher), clear, say=print, patience=patience):
            yield
    except InputError as error:
        if str(error).startswith(f'another run is writing to {folder}'):
            raise InputError(f'{error}. Or give this training another --work-dir') from error
        raise


def training_job(launcher: str, environ: Mapping[str, str] = os.environ) -> Job:
    """Rank, world size and name of the job that this process belongs to.

    Args:
        launcher: Value of ``--launcher``; with 'none' each process is a training of its own, and ``environ`` is ignored.
        environ: Environment variables that the launcher sets.
    """
    if launcher == 'none':
        return Job()
    if launcher == 'slurm':
        environ = {key: value for key, value in environ.items() if key not in ('RANK', 'WORLD_SIZE')}
    if launcher == 'mpi' and 'OMPI_COMM_WORLD_RANK' in environ:
        name = '/'.join(environ.get(key, '') for key in ('PMIX_NAMESPACE', 'OMPI_MCA_ess_base_jobid', 'MASTER_ADDR', 'MASTER_PORT'))
        return Job(int(environ['OMPI_COMM_WORLD_RANK']), int(environ.get('OMPI_COMM_WORLD_SIZE', 1)), name)
    return Job.from_environment(environ)
