"""Offline synthesis: a labelled dataset from a labelled generator (BigDatasetGAN, section 3.2)."""

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import torch

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.estimate import check_disk, estimate
from mmbdg.synthesis.finish import top_up, write_manifest
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.job import Job, held
from mmbdg.synthesis.layout import IDENTITY, KINDS, check_claim
from mmbdg.synthesis.loading import build_maker, wanted_classes
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.progress import Block, first_wanted, make_block, missing_blocks
from mmbdg.synthesis.throughput import Throughput, collect
from mmbdg.synthesis.writer import BlockWriter


def synthesize(
    plan: Synthesis,
    out_dir: str | Path,
    device: str = 'cpu',
    log: Callable[[str], None] = print,
    job: Job | None = None,
    wait: bool = False,
    writers: int = 0,
    dry_run: bool = False,
) -> Path:
    """Make a dataset, or what is missing of it.

    Several processes share the work by their ranks: block i is made by rank i modulo their number. They do not talk to each other; the one
    that finds everything done writes the manifest.

    Args:
        plan: What to make.
        out_dir: Where. Files that are there are left alone; asking for more samples or other classes adds to them.
        device: Where to compute.
        log: Takes the lines that are said.
        job: This process's place among those that make the dataset; None if it is alone.
        wait: Whether to wait for another job at work there instead of refusing.
        writers: Threads that encode and write files beside the computation.
        dry_run: Write nothing; say how many candidates, hours and gigabytes it will take, from a short probe.

    Returns:
        ``out_dir``.

    Raises:
        InputError: A class, a device or a checkpoint does not exist or does not fit, another job is at work there, or the folder holds
            something else; nothing is written then. Or the disk is full: what was complete stays.
    """
    out, job = Path(out_dir), job or Job()
    maker = build_maker(plan, device)
    generator, class_ids = maker.generator, wanted_classes(plan, maker.generator)
    identity = identity_of(plan, generator, device)

    # Shared out before it is looked what is missing: the processes look at different times.
    every = [(class_id, block) for class_id in class_ids for block in range(plan.first_blocks)]

    def begin() -> None:
        check_claim(out, identity)
        for kind in KINDS:
            for left_over in (out / kind).rglob('*.part'):  # of a killed run
                left_over.unlink()
        for left_over in [*out.glob('*.part'), *(out / 'logs').rglob('*.part')]:
            left_over.unlink()
        write_json(out / IDENTITY, identity)
        if missing := missing_blocks(maker, every, out):
            check_disk(maker, missing, out)

    with threads(plan.threads):
        check_claim(out, identity)
        if dry_run:
            log(estimate(maker, missing_blocks(maker, every, out), out, job.world_size).text())
            return out
        with plain_disk_errors(out):
            (out / 'logs').mkdir(parents=True, exist_ok=True)
            with held(out / 'logs', job, begin, wait):
                check_claim(out, identity)
                throughput = Throughput(out / 'logs', job, device, plan.threads, maker.stages)
                writer = BlockWriter(out, plan, generator, maker.stages, writers)
                with closing(writer):
                    _run(maker, writer, throughput, missing_blocks(maker, job.part(every), out), job)
                    if throughput.written:
                        throughput.write()
                        log(throughput.text() if job.world_size == 1 else f'{job}: {throughput.text()}')
                    _finish_if_all_is_there(maker, writer, throughput, every, out, identity, job, log)
    return out


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
    if not (Path(out_dir) / 'dataset.json').is_file():
        return False
    info = json.loads((Path(out_dir) / 'dataset.json').read_text(encoding='utf-8'))
    folders = [entry['folder'] for entry in info['generator_classes']]
    names = [entry['name'] for entry in info['generator_classes']]
    by_name = dict(enumerate(folders)) | dict(zip(folders, folders, strict=True)) | dict(zip(names, folders, strict=True))

    def holds_all(folder: str | None) -> bool:
        have, outcome = info['counts'].get(folder, 0), info['filters'].get(folder)
        if have >= plan.num_per_class or not outcome:
            return have >= plan.num_per_class
        return outcome['candidates'] >= plan.max_blocks * plan.candidates and have == outcome['kept']  # more cannot be had

    return all(map(holds_all, folders if plan.classes is None else map(by_name.get, plan.classes)))


def _run(maker: BlockMaker, writer: BlockWriter, throughput: Throughput, blocks: Sequence[Block], job: Job) -> None:
    """This process's share."""
    from tqdm import tqdm

    plan = maker.plan
    name = 'synthesis' if job.world_size == 1 else f'synthesis, {job}'
    total = sum(first_wanted(plan, block) for _, block in blocks)
    with tqdm(total=total, unit='img', desc=name, dynamic_ncols=True, disable=job.rank != 0) as bar:
        for class_id, block in blocks:
            make_block(maker, writer, throughput, class_id, block, first_wanted(plan, block))
            bar.set_postfix_str(throughput.acceptance_text())
            bar.update(first_wanted(plan, block))
        writer.wait()


def _finish_if_all_is_there(
    maker: BlockMaker,
    writer: BlockWriter,
    throughput: Throughput,
    every: Sequence[Block],
    out: Path,
    identity: dict,
    job: Job,
    log: Callable[[str], None],
) -> None:
    from filelock import FileLock

    plan, began = maker.plan, (out / IDENTITY).stat().st_mtime_ns
    mine = set(job.part(every))

    def not_looked_at(class_id: int, block: int) -> bool:
        """Of another process, and older than this job: it may have lost files that the other one has not made again yet."""
        return (class_id, block) not in mine and writer.records.written_at(maker.generator.folders[class_id], block) <= began

    missing = missing_blocks(maker, every, out, look=False)
    missing = missing or missing_blocks(maker, [entry for entry in every if not_looked_at(*entry)], out)
    if missing:
        log(f'{job} is done; {len(missing)} blocks are left to the other processes. If one of them has died, run the same command again.')
        return
    with FileLock(out / 'logs' / 'finish.lock'):  # the last two may have found everything done at the same time
        short = top_up(maker, writer, throughput, list(dict.fromkeys(class_id for class_id, _ in every)), out) if plan.has_bounds else []
        number = write_manifest(maker, out, identity)
        collect(out / 'logs', job, short)
    for line in short:
        log(line)
    log(f'{number} labelled images in {out}')
