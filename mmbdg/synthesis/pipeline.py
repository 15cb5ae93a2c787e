"""Offline synthesis: a dataset from a source (BigDatasetGAN, section 3.2)."""

import errno
import math
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
    """What tells one run of a synthesis from all others; its processes share it."""

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
    """Make a dataset, or what is missing of it.

    Several processes share the work by their ranks: block i is made by rank i modulo their number (whole classes where bounds decide how
    many blocks a class takes). They do not talk to each other. One that is done with its own share goes on with what others have not begun,
    so that none waits for a slow or a dead one; the one that finds everything done writes the manifest.

    Args:
        plan: What to make.
        out_dir: Where. Files that are there are left alone; asking for more samples or other classes adds to them.
        device: Where to compute.
        log: Takes the lines that are said.
        job: This process's place among those that make the dataset; None if it is alone.
        wait: Whether to wait for another job at work there instead of refusing.
        writers: Threads that encode and write files beside the computation.
        dry_run: Write nothing; say how many candidates, hours and gigabytes it will take, from a short probe.
        verify: Whether files that are there are read and compared with their checksums; else their sizes and times are looked at.
        sync: Whether to wait until a block is on the disk itself before it counts as finished, see
            :class:`~mmbdg.synthesis.writer.BlockWriter`.

    Returns:
        ``out_dir``.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit, another job is at work there, or the folder holds
            something else; nothing is written then. Or the disk is full: what was complete stays.
    """
    out, job = Path(out_dir), job or Job()
    maker = build_maker(plan, device)
    class_ids = wanted_classes(plan, maker.catalogue)
    identity = identity_of(plan, maker.source, maker.filters, device)

    # Shared out before it is looked what is missing: the processes look at different times.
    units = Units(maker, class_ids)

    def begin() -> None:
        check_claim(out, identity)
        remove_parts(out)
        check_disk(maker, Progress(maker, out).all_missing(class_ids), out)
        write_json(out / IDENTITY, identity, sync)  # from here on the folder is this configuration's
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
                    log(f'{job} is done; {len(left)} parts are being made by other processes. If one dies, run the same command again.')
                else:
                    _finish(maker, class_ids, out, identity, job, log, sync)
    return out


def remove_parts(out: Path) -> None:
    """Remove what a killed run began to write."""
    for kind in (*KINDS, 'logs'):
        for left_over in (out / kind).rglob('*.part'):
            left_over.unlink()
    for left_over in out.glob('*.part'):
        left_over.unlink()


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Compute with so many CPU threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def plain_disk_errors(out: Path) -> Iterator[None]:
    """A full disk or an unwritable folder as a plain error."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: 'the disk is full',
            errno.EDQUOT: 'your quota of disk space is used up',
            errno.EACCES: 'it is not writable for you',
            errno.EPERM: 'it is not writable for you',
            errno.EROFS: 'its disk is read-only',
            errno.EIO: 'its disk fails',
        }
        if error.errno not in reasons:
            raise
        raise InputError(
            f'{out} cannot be written: {reasons[error.errno]} ({error}). What was complete stays; mend that and run the same command again'
        ) from error


def is_complete(plan: Synthesis, out_dir: str | Path) -> bool:
    """Whether a folder holds a finished dataset with all that a plan asks for, or can give."""
    try:
        info = read_json(Path(out_dir) / 'dataset.json', Info)
    except InputError:  # it is not there, or damaged
        return False
    names, folders, *_ = catalogue_of(info)
    by_name = dict(enumerate(folders)) | dict(zip(folders, folders, strict=True)) | dict(zip(names, folders, strict=True))

    def holds_all(folder: str | None) -> bool:
        have, outcome = info['counts'].get(folder, 0), info['filters'].get(folder)
        if have >= plan.num_per_class or not outcome:
            return have >= plan.num_per_class
        tried = min(plan.max_blocks * plan.candidates, info.get('available', {}).get(folder, math.inf))
        return outcome['candidates'] >= tried and have == outcome['kept']  # more cannot be had

    return all(map(holds_all, folders if plan.classes is None else map(by_name.get, plan.classes)))


def _run(progress: Progress, units: Units, job: Job, throughput: Throughput, writers: int, verify: bool, sync: bool) -> list[Unit]:
    """This process's share, then what others have not begun, from the end; what others are at work on is left."""
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
                unrecorded.close()  # of what was made before this: writing has waited for its record
                unrecorded.push(work.pop_all())  # nobody else begins it until it has one
        writer.wait()
    return left


def _finish(
    maker: BlockMaker, class_ids: Sequence[int], out: Path, identity: dict, job: Job, log: Callable[[str], None], sync: bool
) -> None:
    from filelock import FileLock

    with FileLock(out / 'logs' / 'finish.lock'):  # the last two may have found everything done at the same time
        short = fallen_short(maker, class_ids, out) if maker.may_fall_short else []
        number = write_manifest(maker, out, identity, sync)
        collect(out / 'logs', job, short)
    for line in short:
        log(line)
    log(f'{number} labelled images in {out}')
