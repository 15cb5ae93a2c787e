"""Repair of a damaged dataset: undamaged blocks stay, damaged blocks are made again with the same bytes as before."""

import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.storage.block_files import BlockFiles
from mmbdg.storage.findings import Block, Findings
from mmbdg.storage.layout import IDENTITY, identity_differences, read_identity
from mmbdg.storage.records import BlockRecords
from mmbdg.storage.verify import Dataset, Each, in_turn, verify
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.evidence import Evidence, Target
from mmbdg.synthesis.finish import dataset_info, write_manifest
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.job import Job, held
from mmbdg.synthesis.loading import build_maker
from mmbdg.synthesis.pipeline import plain_disk_errors, remove_parts, threads
from mmbdg.synthesis.plan import Synthesis
from mmbdg.synthesis.plan_file import write_plan
from mmbdg.synthesis.writer import BlockWriter

FOREIGN = 'logs/foreign'
"""Folder to which files are moved that do not belong to the dataset. No file of a user is removed."""
PROOFS = 3
"""Number of blocks that are tried to prove that a plan made the dataset."""


def repair(
    root: str | os.PathLike, plan: Synthesis, device: str = 'cpu', log: Callable[[str], None] = print, each: Each = in_turn
) -> Findings:
    """Restore the original state of a damaged dataset. ``logs/`` is restored too.

    The numbers of blocks and samples are taken from the dataset. ``num_per_class`` and ``classes`` of the plan are used only
    if the dataset has lost them.

    Args:
        root: Folder of the dataset.
        plan: Plan that made the dataset.
        device: Name of the device. Default: "cpu".
        log: Function that gets the lines of the log. Default: print.
        each: Function that runs the checks of the blocks, see :func:`~mmbdg.storage.verify.verify`.

    Returns:
        The remaining problems, usually none.

    Raises:
        InputError: There is no dataset. Or it was made by another plan, generator or version, or this machine computes other
            values. Or another run uses the folder, or a run that added samples was interrupted.
    """
    return _Repair(Path(root), plan, device, log).run(each)


class _Repair:
    def __init__(self, root: Path, plan: Synthesis, device: str, log: Callable[[str], None]) -> None:
        self.root, self.plan, self.log = root, plan, log
        self.maker: BlockMaker = build_maker(plan, device)
        self.identity = identity_of(plan, self.maker.source, self.maker.filters, device)
        self.records = BlockRecords(root, uuid.uuid4().hex)
        self.class_ids = {folder: class_id for class_id, folder in enumerate(self.maker.catalogue.folders)}

    def run(self, each: Each) -> Findings:
        known = self._check_identity(Dataset(self.root))
        with threads(self.plan.threads), plain_disk_errors(self.root):
            (self.root / 'logs').mkdir(exist_ok=True)
            with held(self.root / 'logs', Job(), lambda: None, say=self.log):
                remove_parts(self.root)
                dataset = Dataset(self.root, dataset_info(self.maker, self.identity, {}, {}, {}))
                dataset.check_files(each)
                evidence = Evidence(dataset, self.records, self.plan, self.maker.extent, self.maker.catalogue.folders)
                targets = evidence.targets()
                self._check_targets(dataset, targets)
                damaged = self._damaged(dataset, targets)
                if not known:
                    self._prove(evidence.proofs(targets))
                self._put_aside([*dataset.findings.links, *dataset.findings.foreign])
                self._restore(targets, damaged)
                self._make(targets, damaged, evidence.left(targets))
                self._write_json_files(dataset)
                findings = verify(self.root, each, only=damaged)
                self._put_aside(findings.foreign)
                findings.problems = [problem for problem in findings.problems if problem.place not in findings.foreign]
        self.log(f'{len(damaged)} of {len(targets)} blocks made again')
        return findings

    def _check_identity(self, dataset: Dataset) -> bool:
        """Whether the dataset has a known identity. It is compared with this plan.

        Raises:
            InputError: Another configuration made the dataset.
        """
        if dataset.sealed_info:
            found = {key: dataset.sealed_info.get(key) for key in self.identity}
        elif dataset.info and 'config' in dataset.info and 'blake2b' not in dataset.info:
            found = {key: dataset.info.get(key) for key in self.identity}  # version 0.4.0 has no checksums
        else:
            try:
                found = read_identity(self.root)
            except InputError:
                return False
        if differences := identity_differences(found, self.identity):
            raise InputError(
                f'{self.root} was made by another configuration:\n{differences}\nNothing was changed; repair it with the configuration '
                'that made it'
            )
        return True

    def _check_targets(self, dataset: Dataset, targets: dict[Block, Target]) -> None:
        """Check that all blocks belong to classes of the source and include all recorded blocks.

        Raises:
            InputError: A class folder is unknown, or a run that added samples was interrupted.
        """
        if unknown := sorted({folder for folder, _ in targets} - set(self.class_ids)):
            raise InputError(f'{self.root} has the class folder {unknown[0]}, but the source has no such class; check the config')
        for folder in self.records.folders():
            for block in self.records.blocks(folder):
                logged, target = self.records.read(folder, block), targets.get((folder, block))
                if logged and dataset.sealed_info and (target is None or len(logged.lines) > target.samples):
                    raise InputError(
                        f'a synthesis that adds samples to {self.root} was interrupted: run it again first (tools/synthesize.py). To get '
                        f'the dataset as it was before, remove {self.root / "logs" / "blocks"} and then repair it'
                    )

    def _damaged(self, dataset: Dataset, targets: dict[Block, Target]) -> set[Block]:
        """Return the blocks that must be made again. The files and records of all other blocks are undamaged."""
        files, damaged = BlockFiles(self.root, dataset.info), set()
        suspect = dataset.findings.damaged_blocks | (targets.keys() - set(dataset.blocks()))
        for block, target in targets.items():
            unknown = target.record is None or target.lines is None
            if unknown or (block in suspect and not files.are_whole(target.record, target.lines)):
                damaged.add(block)
        return damaged

    def _prove(self, proofs: list[tuple[Block, int, str]]) -> None:
        """Check that this plan made the dataset by making a block again. Nothing is written.

        Raises:
            InputError: The block differs, or there is no block to compare with.
        """
        if not proofs:
            raise InputError(f'{self.root} has no data left that shows which configuration made it; make it again in another folder')
        writer = BlockWriter(self.root, self.maker)
        refused: InputError | None = None
        for (folder, number), samples, checksum in proofs[:PROOFS]:
            try:
                class_id = self.class_ids[folder]
                writer.check(class_id, number, self.maker.make(class_id, number, samples), samples, checksum)
                return
            except InputError as error:
                refused = error
        raise refused

    def _put_aside(self, places: list[str]) -> None:
        """Move foreign files into ``logs/foreign``."""
        for place in places:
            target = self.root / FOREIGN / place
            if os.path.lexists(target):
                target = target.with_name(f'{target.name}.{uuid.uuid4().hex[:8]}')
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.root / place, target)
            self.log(f'{place} does not belong to the dataset; it was moved to {target}')

    def _restore(self, targets: dict[Block, Target], damaged: set[Block]) -> None:
        """Write identity, plan and the records of all undamaged blocks."""
        write_json(self.root / IDENTITY, self.identity)
        write_plan(self.root, self.plan)
        for block, target in targets.items():
            if block not in damaged:
                logged = self.records.read(*block)
                if logged is None or logged.record != target.record:
                    self.records.write(target.record, target.lines, sync=False)

    def _make(self, targets: dict[Block, Target], damaged: set[Block], left: dict[str, int]) -> None:
        """Make the damaged blocks again.

        Args:
            targets: All blocks of the dataset.
            damaged: Blocks to make.
            left: Number of samples of each class in blocks of unknown size. They are assigned from the first block on.
        """
        from tqdm import tqdm

        writer = BlockWriter(self.root, self.maker, run=self.records.run)
        with closing(writer):
            for folder, number in tqdm(sorted(damaged), unit='block', desc='repair', dynamic_ncols=True, disable=not damaged):
                class_id, target = self.class_ids[folder], targets[folder, number]
                samples = target.samples
                result = self.maker.make(class_id, number, samples)
                if samples is None:
                    samples = min(len(result.samples), max(0, left.get(folder, self.plan.kept)))
                    left |= {folder: left[folder] - samples} if folder in left else {}
                writer.write(class_id, number, result, samples, target.lines_checksum)
            writer.wait()

    def _write_json_files(self, dataset: Dataset) -> None:
        """Write dataset.json, manifest.jsonl and blocks.jsonl.

        Raises:
            InputError: dataset.json differs from before, because the remaining records contradict each other.
        """
        write_manifest(self.maker, self.root, self.identity)
        if dataset.sealed_info and (new := Dataset(self.root)).sealed_info != dataset.sealed_info:
            facts = {key for key in dataset.sealed_info if dataset.sealed_info[key] != (new.sealed_info or {}).get(key)}
            raise InputError(
                f'{self.root} was repaired, but its dataset.json differs from before in {", ".join(sorted(facts))}: check it with '
                'tools/verify.py'
            )
