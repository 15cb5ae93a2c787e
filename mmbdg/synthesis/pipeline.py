"""Offline synthesis: a labelled dataset from a labelled generator (BigDatasetGAN, section 3.2)."""

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import torch

from mmbdg.errors import InputError
from mmbdg.files import write_atomically, write_json
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.classifier import Classifier
from mmbdg.synthesis.estimate import check_disk, estimate
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.job import Job, held
from mmbdg.synthesis.label_spaces import LabelSpace, label_space
from mmbdg.synthesis.labelled_generator import LabelledGenerator
from mmbdg.synthesis.layout import IDENTITY, KINDS, BlockRecords, check_claim, sample_files, shard_name
from mmbdg.synthesis.palette import palette
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.throughput import Throughput, collect
from mmbdg.synthesis.writer import BlockWriter

Block = tuple[int, int]
"""Class and number of a block in its class."""


def load_generator(plan: Synthesis, device: str) -> LabelledGenerator:
    """The labelled generator of a plan, under the plan's seed and truncation.

    Raises:
        InputError: There is no such generator or device, or its files do not fit.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f'there is no device "{device}" here ({str(error).splitlines()[0]})') from error
    generator = LabelledGenerator.load(plan.labelled_generator, precision=plan.precision, compile=plan.compile).to(device)
    generator.seed = plan.seed
    if plan.ignore_above is not None:
        generator.ignore_above = plan.ignore_above
    if plan.truncation != 'default':
        generator.truncation = plan.truncation
    if plan.tokens and not generator.draws_tokens:
        raise InputError('synthesis.tokens is for generators that draw tokens (VQGAN); this one is made again from its addresses alone')
    return generator


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
    generator = load_generator(plan, device)
    class_ids = [generator.class_id(c) for c in (range(generator.num_classes) if plan.classes is None else plan.classes)]
    if plan.class_map is not None and len(plan.class_map) != generator.num_classes:
        raise InputError(f'synthesis.class_map names {len(plan.class_map)} classes, the generator has {generator.num_classes}')
    space = exported_space(plan, generator)
    classifier = Classifier(plan.classifier, plan.classifier_size) if plan.classifier else None
    identity = identity_of(plan, generator, device)
    maker = BlockMaker(plan, generator, classifier, plan.class_map, space)

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

    with threads(plan.threads):
        check_claim(out, identity)
        if dry_run:
            log(estimate(maker, _missing(maker, every, out), out, job.world_size).text())
            return out
        with plain_disk_errors(out):
            (out / 'logs').mkdir(parents=True, exist_ok=True)
            with held(out / 'logs', job, begin, wait):
                check_claim(out, identity)
                if job.rank == 0 and (missing := _missing(maker, every, out)):
                    check_disk(maker, missing, out)
                throughput = Throughput(out / 'logs', job, device, plan.threads, maker.stages)
                writer = BlockWriter(out, plan, generator, maker.stages, writers)
                with closing(writer):
                    _run(maker, writer, throughput, _missing(maker, job.part(every), out), job)
                    if throughput.written:
                        throughput.write()
                        log(throughput.text() if job.world_size == 1 else f'{job}: {throughput.text()}')
                    _finish_if_all_is_there(maker, writer, throughput, class_ids, out, identity, job, log)
    return out


def exported_space(plan: Synthesis, generator: LabelledGenerator) -> LabelSpace | None:
    """The label space the masks are painted in; None for the interpreter's own labels.

    Raises:
        InputError: The interpreter tells more than foreground and background apart, or a class is outside the space.
    """
    if plan.label_space is None:
        return None
    if len(generator.labels) != 2:
        raise InputError(
            f'synthesis.label_space paints the foreground of a foreground/background interpreter; this one has {len(generator.labels)} '
            'labels of its own: leave it out'
        )
    space = label_space(plan.label_space, generator.classes)
    wanted = range(generator.num_classes) if plan.classes is None else plan.classes
    if outside := [generator.classes[c] for c in wanted if not space.has(c)]:
        raise InputError(
            f'{len(outside)} classes have no label in the label space "{space.name}" ({outside[0]}, ...): name those that have one in '
            'synthesis.classes'
        )
    return space


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
    wanted = folders if plan.classes is None else [folders[c] for c in plan.classes]
    tried = {folder: outcome['candidates'] for folder, outcome in info['filters'].items()}
    return all(
        info['counts'].get(folder, 0) >= plan.num_per_class or tried.get(folder, 0) >= plan.max_blocks * plan.candidates
        for folder in wanted
    )


def _missing(maker: BlockMaker, blocks: Sequence[Block], out: Path) -> list[Block]:
    """Those that are not finished, or whose files are not whole."""
    plan, folders = maker.plan, maker.generator.folders
    return [(c, block) for c, block in blocks if not _is_finished(plan, folders[c], block, out, _first_wanted(plan, block))]


def _first_wanted(plan: Synthesis, block: int) -> int:
    """Samples of a block that are needed even if all blocks before it give all they can."""
    return min(plan.kept, plan.num_per_class - block * plan.kept)


def _is_finished(plan: Synthesis, folder: str, block: int, out: Path, wanted: int, look: bool = True) -> bool:
    recorded = BlockRecords(out).read(folder, block)
    if recorded is None:
        return False
    outcome, lines = recorded
    enough = len(lines) >= min(wanted, outcome['kept'])
    return enough and not (look and _bytes(plan, folder, block, out, lines) != outcome['bytes'])


def _bytes(plan: Synthesis, folder: str, block: int, out: Path, lines: Sequence[dict]) -> int:
    """Of a block's files that are there."""
    if plan.format == 'shards':
        names = [shard_name(folder, block)] if lines else []
    else:
        kinds = ['image', 'mask', *(['uncertainty'] if plan.uncertainty_maps else []), *(['tokens'] if plan.tokens else [])]
        names = [sample_files(folder, line['id'], plan.image_suffix)[kind] for line in lines for kind in kinds]
    return sum(path.stat().st_size for name in names if (path := out / name).is_file())


def _run(maker: BlockMaker, writer: BlockWriter, throughput: Throughput, blocks: Sequence[Block], job: Job) -> None:
    """This process's share."""
    from tqdm import tqdm

    plan = maker.plan
    name = 'synthesis' if job.world_size == 1 else f'synthesis, {job}'
    total = sum(_first_wanted(plan, block) for _, block in blocks)
    with tqdm(total=total, unit='img', desc=name, dynamic_ncols=True, disable=job.rank != 0) as bar:
        for class_id, block in blocks:
            make_block(maker, writer, throughput, class_id, block, _first_wanted(plan, block))
            bar.set_postfix_str(throughput.acceptance_text())
            bar.update(_first_wanted(plan, block))
        writer.wait()


def make_block(maker: BlockMaker, writer: BlockWriter, throughput: Throughput, class_id: int, block: int, wanted: int) -> None:
    """Make a block and write its first samples, at least as many as were there before."""
    recorded = writer.records.read(maker.generator.folders[class_id], block)
    if recorded:
        wanted = max(wanted, len(recorded[1]))  # a lost file is made again, none of the others is forgotten
    result = maker.make(class_id, block)
    writer.write(class_id, block, result, wanted)
    throughput.add(result.outcome, min(wanted, len(result.samples)))


def _finish_if_all_is_there(
    maker: BlockMaker,
    writer: BlockWriter,
    throughput: Throughput,
    class_ids: Sequence[int],
    out: Path,
    identity: dict,
    job: Job,
    log: Callable[[str], None],
) -> None:
    from filelock import FileLock

    plan, folders = maker.plan, maker.generator.folders
    missing = sum(
        not _is_finished(plan, folders[class_id], block, out, _first_wanted(plan, block), look=False)
        for class_id in class_ids
        for block in range(plan.first_blocks)
    )
    if missing:
        log(f'{job} is done; {missing} blocks are left to the other processes. If one of them has died, run the same command again.')
        return
    with FileLock(out / 'logs' / 'finish.lock'):  # the last two may have found everything done at the same time
        short = _top_up(maker, writer, throughput, class_ids, out) if plan.has_bounds else []
        number = _write_manifest(maker, out, identity)
        collect(out / 'logs', job, short)
    for line in short:
        log(line)
    log(f'{number} labelled images in {out}')


def _top_up(maker: BlockMaker, writer: BlockWriter, throughput: Throughput, class_ids: Sequence[int], out: Path) -> list[str]:
    """Further blocks of the classes that a bound left short; a line for each that stays so."""
    plan, records, short, before = maker.plan, writer.records, [], throughput.written
    for class_id in class_ids:
        folder, have = maker.generator.folders[class_id], 0
        for block in range(plan.max_blocks):
            wanted = min(plan.kept, plan.num_per_class - have)
            if wanted <= 0:
                break
            if not _is_finished(plan, folder, block, out, wanted, look=block >= plan.first_blocks):
                make_block(maker, writer, throughput, class_id, block, wanted)
                writer.wait()
            have += len(records.read(folder, block)[1])
        if have < plan.num_per_class:
            outcome = total_outcome(outcome for outcome, _ in records.of_class(folder))
            left = ', '.join(f'{value} {key.replace("_", " ")}' for key, value in outcome.items())
            short.append(
                f'{maker.generator.classes[class_id]}: {have} of {plan.num_per_class} samples; {left}. Loosen min_confidence '
                f'({plan.min_confidence}) or min_foreground, max_foreground ({plan.min_foreground}, {plan.max_foreground}), or raise '
                'max_candidates'
            )
    if throughput.written > before:
        throughput.write()
    return short


def total_outcome(outcomes: Iterator[dict]) -> dict[str, int]:
    """What became of the candidates of many blocks."""
    total: dict[str, int] = {}
    for outcome in outcomes:
        for key, value in outcome.items():
            if key != 'bytes':
                total[key] = total.get(key, 0) + value
    return total


def _write_manifest(maker: BlockMaker, out: Path, identity: dict) -> int:
    """``manifest.jsonl`` and ``dataset.json`` from the blocks' records; the number of samples."""
    plan, generator, records = maker.plan, maker.generator, BlockRecords(out)
    there = records.folders()
    folders = [folder for folder in generator.folders if folder in there]
    counts, filters = dict.fromkeys(folders, 0), {}

    def write(part: Path) -> None:
        with open(part, 'w', encoding='utf-8') as file:
            for folder in folders:  # a class at a time: there may be millions of lines
                outcomes = []
                for outcome, lines in records.of_class(folder):
                    file.writelines(json.dumps(line, ensure_ascii=False) + '\n' for line in lines)
                    counts[folder] += len(lines)
                    outcomes.append(outcome)
                filters[folder] = total_outcome(outcomes)

    write_atomically(out / 'manifest.jsonl', write)
    labels, space = maker.space.classes if maker.space else generator.labels, maker.space
    write_json(
        out / 'dataset.json',
        dict(
            classes=labels,
            palette=palette(len(labels)),
            label_space=space.name if space else 'fgbg' if len(labels) == 2 else 'own',
            resolution=plan.resolution or generator.resolution,
            format=plan.format,
            image_suffix=plan.image_suffix,
            uncertainty_maps=generator.most_disagreement if plan.uncertainty_maps else None,
            tokens=plan.tokens,
            generator_classes=[dict(name=name, folder=folder) for name, folder in zip(generator.classes, generator.folders, strict=True)],
            counts=counts,
            filters=filters,
            licence=generator.licence,
            **identity,
        ),
    )
    return sum(counts.values())
