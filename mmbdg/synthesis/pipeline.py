"""Offline synthesis of a dataset from a source (BigDatasetGAN, section 3.2)."""

import errno
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path

import torch

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import Schema
from mmbdg.storage.catalogue import catalogue_of
from mmbdg.storage.layout import IDENTITY, KINDS, check_claim
from mmbdg.storage.stored import Info
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.estimate import check_disk, estimate
from mmbdg.synthesis.extent import Extent
from mmbdg.synthesis.finish import fallen_short, write_manifest
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.job import Job, at_work, held
from mmbdg.synthesis.loading import build_maker, wanted_classes
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.plan_file import write_plan
from mmbdg.synthesis.progress import Progress, Unit, Units
from mmbdg.synthesis.throughput import Throughput, collect
from mmbdg.synthesis.writer import BlockWriter

RUN = 'logs/run.json'


class Run(Schema):
    """Unique name of a run of a synthesis. All processes of the run share it."""

    run: str


def synthesize(
    plan: Synthesis,
    out_dir: str | Path,
    device: str = 'cpu',
    log: Callable[[str], None] = print,
    job: Job | None = None,
    wait: bool = False,
    writers: int = 0,
    dry_run: bool = False,
    verify: bool = False,
    sync: bool = True,
) -> Path:
    """Make a dataset, or the missing part of it.

    Several processes share the work by their ranks: block i is made by rank i modulo the number of processes. If bounds of
    filters decide how many blocks a class needs, whole classes are shared instead. The processes do not communicate. A
    process that has finished its share continues with blocks that the others have not begun, so no process waits for a slow
    or dead one. The process that finds all blocks finished writes the manifest.

    Args:
        plan: Plan of the dataset.
        out_dir: Folder of the dataset. Existing files stay. More samples or other classes are added to them.
        device: Name of the device. Default: "cpu".
        log: Function that gets the lines of the log. Default: print.
        job: Job and rank of this process. Default: None, for a job of one process.
        wait: Whether to wait for another job in the same folder instead of raising an error. Default: False.
        writers: Number of threads that encode and write files during the computation. Default: 0.
        dry_run: Whether to only log an estimate of candidates, hours and gigabytes from a short probe. Nothing is written
            then. Default: False.
        verify: Whether to compare all existing files with their checksums. Otherwise only their sizes and times are
            checked. Default: False.
        sync: Whether to wait until the files of a block are on the disk before it counts as finished, see
            :class:`~mmbdg.synthesis.writer.BlockWriter`. Default: True.

    Returns:
        ``out_dir``.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit, another job uses the folder, or the
            folder holds other files; nothing is written then. Or the disk is full; finished blocks stay.
    """
    out, job = Path(out_dir), job or Job()
    maker = build_maker(plan, device)
    class_ids = wanted_classes(plan, maker.catalogue)
    identity = identity_of(plan, maker.source, maker.filters, device)

    # The work is shared before checking what is missing, because the processes check at different times.
    units = Units(maker, class_ids)

    def begin() -> None:
        check_claim(out, identity)
        remove_parts(out)
        check_disk(maker, Progress(maker, out).all_missing(class_ids), out)
        write_json(out / IDENTITY, identity, sync)  # from here on the folder belongs to this configuration
        write_plan(out, plan)
        write_json(out / RUN, dict(run=uuid.uuid4().hex), sync=False)

    with threads(plan.threads):
        check_claim(out, identity)
        if dry_run:
            log(estimate(maker, Progress(maker, out).all_missing(class_ids), out, job.world_size).text())
            return out
        with plain_disk_errors(out):
            (out / 'logs').mkdir(parents=True, exist_ok=True)
            with held(out / 'logs', job, begin, wait, log):
                check_claim(out, identity)
                throughput = Throughput(out / 'logs', job, device, plan.threads, maker.stages)
                progress = Progress(maker, out, read_json(out / RUN, Run)['run'])
                left = _run(progress, units, job, throughput, writers, verify, sync)
                if throughput.written:
                    throughput.write()
                    log(throughput.text() if job.world_size == 1 else f'{job}: {throughput.text()}')
                if left := [unit for unit in left if progress.missing(unit)]:
                    log(f'{job} is done; other processes are making {len(left)} parts. If one of them dies, run the same command again.')
                else:
                    _finish(maker, class_ids, out, identity, job, log, sync)
    return out


def remove_parts(out: Path) -> None:
    """Remove the incomplete files of a killed run."""
    remove_parts_of_samples(out)
    for left_over in (*out.glob('*.part'), *(out / 'logs').rglob('*.part')):
        left_over.unlink()


def remove_parts_of_samples(out: Path) -> None:
    """Remove the incomplete files of images and masks."""
    for kind in KINDS:
        for left_over in (out / kind).rglob('*.part'):
            left_over.unlink()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Context that sets the number of CPU threads of torch."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def plain_disk_errors(out: Path) -> Iterator[None]:
    """Context that turns errors of the disk, such as a full disk, into an InputError."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: 'the disk is full',
            errno.EDQUOT: 'your quota of disk space is used up',
            errno.EACCES: 'you have no write permission',
            errno.EPERM: 'you have no write permission',
            errno.EROFS: 'its disk is read-only',
            errno.EIO: 'its disk has an input/output error',
        }
        if error.errno not in reasons:
            raise
        raise InputError(
            f'{out} cannot be written: {reasons[error.errno]} ({error}). Finished blocks stay; fix the problem and repeat the command'
        ) from error


def is_complete(plan: Synthesis, out_dir: str | Path) -> bool:
    """Whether a folder holds a finished dataset with all requested samples of a plan, or with all that are possible."""
    try:
        info = read_json(Path(out_dir) / 'dataset.json', Info)
    except InputError:  # the file is missing or damaged
        return False
    catalogue = catalogue_of(info)
    try:
        extent = Extent(plan, catalogue)
    except InputError:  # a class of the plan is none of the dataset
        return False

    def holds_all(class_id: int) -> bool:
        folder, wanted = catalogue.folders[class_id], extent.samples(class_id)
        have, outcome = info['counts'].get(folder, 0), info['filters'].get(folder)
        if have >= wanted or not outcome:
            return have >= wanted
        available, first = info.get('available', {}).get(folder), extent.first_block(class_id) * plan.candidates
        most = len(extent.possible(class_id, available)) * plan.candidates
        tried = most if available is None else min(most, available - first)
        return outcome['candidates'] >= tried and have == outcome['kept']  # no more samples are possible

    return all(map(holds_all, extent.class_ids))


def _run(progress: Progress, units: Units, job: Job, throughput: Throughput, writers: int, verify: bool, sync: bool) -> list[Unit]:
    """Make the units of this process, then units that others have not begun, from the end.

    Units that other processes are making are skipped and returned.
    """
    from tqdm import tqdm

    own, left = job.part(units), []
    others = (unit for rank in reversed(range(job.world_size)) if rank != job.rank for unit in reversed(job.part(units, rank)))
    name = 'synthesis' if job.world_size == 1 else f'synthesis, {job}'
    if verify:
        for unit in tqdm(own, unit='block', desc='checksums', dynamic_ncols=True, disable=job.rank != 0):
            progress.check(unit)
    total = sum(wanted.samples for unit in own for wanted in progress.missing(unit))
    maker = progress.maker
    writer = BlockWriter(progress.out, maker, writers, progress.records.run, sync)
    bar = tqdm(total=total, unit='img', desc=name, dynamic_ncols=True, disable=job.rank != 0)
    with closing(writer), bar, ExitStack() as unrecorded:
        for number, unit in enumerate(chain(own, others)):
            with ExitStack() as work:
                free = work.enter_context(at_work(progress.out / 'logs', f'{unit.class_id}-{unit.blocks.start}'))
                if free and verify and number >= len(own):
                    progress.check(unit)
                missing = progress.missing(unit) if free else []
                if not free:
                    left.append(unit)
                if not missing:
                    continue
                samples = sum(wanted.samples for wanted in missing)
                if number >= len(own):
                    bar.total += samples
                progress.make(unit, writer, throughput)
                bar.set_postfix_str(throughput.acceptance_text())
                bar.update(samples)
                unrecorded.close()  # release the unit before this one: its record is written now
                unrecorded.push(work.pop_all())  # keep this unit reserved until its record is written
        writer.wait()
    return left


def _finish(
    maker: BlockMaker, class_ids: Sequence[int], out: Path, identity: dict, job: Job, log: Callable[[str], None], sync: bool
) -> None:
    from filelock import FileLock

    with FileLock(out / 'logs' / 'finish.lock'):  # two processes may find all blocks finished at the same time
        remove_parts_of_samples(out)  # of a process that was killed; no other is writing a block, because all are finished
        short = fallen_short(maker, class_ids, out) if maker.may_fall_short else []
        written = write_manifest(maker, out, identity, sync)
        collect(out / 'logs', job, short)
    for line in short:
        log(line)
    if maker.source.store != 'encode':
        kind = {'copy': 'copies of', 'link': 'links to'}[maker.source.store]
        log(
            f'{written.unchanged} images are {kind} the given files; {written.samples - written.unchanged} were encoded again, because '
            f'their size or format differs from {maker.catalogue.resolution} px {maker.plan.image_suffix}'
        )
    log(f'{written.samples} {"labelled images" if maker.catalogue.has_masks else "images without masks"} in {out}')
