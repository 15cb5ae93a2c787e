"""The folder of a training: it can be written to, and one training at a time writes there."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config

from mmbdg.errors import InputError, os_error_text
from mmbdg.synthesis.job import HEARTBEAT, STALE, Job, held

LOCK = '.lock'
"""Folder in the work dir that says who is at work there."""


def prepare_work_dir(cfg: Config) -> None:
    """Make the folder of a training or test.

    Raises:
        InputError: It is a file, or cannot be written to.
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
    """Keep other trainings out of the folder of this one; the processes of one training share it.

    A training that was killed holds nothing: the kernel frees its lock. Of one on another host that is not known at once.

    Args:
        cfg: Of the training.
        patient: Whether to wait until one on another host counts as dead: a job that was killed there is started again here.

    Raises:
        InputError: Another training is at work there.
    """
    folder = Path(cfg.work_dir)
    patience = STALE + 2 * HEARTBEAT if patient else 0.0

    def clear() -> None:  # called while nobody is at work there
        for left in (folder / LOCK / 'ranks').glob('*.lock'):
            left.unlink(missing_ok=True)

    try:
        with held(folder / LOCK, training_job(cfg.launcher), clear, patience=patience):
            yield
    except InputError as error:
        if str(error).startswith(f'another run is writing to {folder}'):
            raise InputError(f'{error}. Or give this training another --work-dir') from error
        raise


def training_job(launcher: str, environ: Mapping[str, str] = os.environ) -> Job:
    """This process's place in a training, as its launcher says.

    Args:
        launcher: Of ``--launcher``; without one each process is a training of its own, whatever the environment says.
        environ: Variables that launchers set.
    """
    if launcher == 'none':
        return Job()
    if launcher == 'slurm':
        environ = {key: value for key, value in environ.items() if key not in ('RANK', 'WORLD_SIZE')}
    if launcher == 'mpi' and 'OMPI_COMM_WORLD_RANK' in environ:
        name = '/'.join(environ.get(key, '') for key in ('PMIX_NAMESPACE', 'OMPI_MCA_ess_base_jobid', 'MASTER_ADDR', 'MASTER_PORT'))
        return Job(int(environ['OMPI_COMM_WORLD_RANK']), int(environ.get('OMPI_COMM_WORLD_SIZE', 1)), name)
    return Job.from_environment(environ)
