"""Throughput of a synthesis: numbers of candidates and samples, and times."""

import time
from collections.abc import Mapping
from pathlib import Path
from platform import node
from typing import Any

from mmbdg.errors import InputError
from mmbdg.files import write_json
from mmbdg.reading import read_json
from mmbdg.schema import OpenSchema
from mmbdg.storage.records import AFTER, is_filter_count
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.stages import Stages


class Worked(OpenSchema):
    """Throughput record of one process."""

    job: str
    world_size: int
    device: str
    threads: int
    candidates: int
    kept: int = 0
    written: int
    seconds: float
    cpu_seconds: float = 0.0
    computing_seconds: float
    naive_seconds: float


class Throughput:
    """Measures the throughput of one process.

    Args:
        logs: Folder ``logs`` of the dataset.
        job: Job and rank of the process.
        device: Name of the device.
        threads: Number of CPU threads.
        stages: Time measurement of the stages.
    """

    def __init__(self, logs: Path, job: Job, device: str, threads: int, stages: Stages) -> None:
        self.path = logs / 'throughput' / f'rank-{job.rank:04d}.json'
        self.facts = dict(job=job.name, rank=job.rank, world_size=job.world_size, host=node(), device=device, threads=threads)
        self.stages, self.outcome, self.written, self.start = stages, {}, 0, time.perf_counter()
        self.cpu_start = time.process_time()
        self.path.unlink(missing_ok=True)  # left by an earlier job, which may have had the same name

    def add(self, outcome: dict[str, int], written: int) -> None:
        """Add the counts of a block."""
        for key, value in outcome.items():
            self.outcome[key] = self.outcome.get(key, 0) + value
        self.written += written

    def acceptance(self) -> dict[str, float]:
        """Return the share of its input that each filter kept."""
        return acceptance(self.outcome)

    def acceptance_text(self) -> str:
        """Return the text of the progress bar."""
        kept = ', '.join(f'{name} {share:.0%}' for name, share in self.acceptance().items())
        return f'{self.outcome["candidates"]} candidates' + (f', kept by {kept}' if kept else '')

    def record(self) -> dict:
        """Return all values as JSON values. ``cpu_seconds`` is the CPU time of all threads, with writing."""
        seconds = time.perf_counter() - self.start
        return dict(
            **self.facts,
            **self.outcome,
            written=self.written,
            seconds=seconds,
            cpu_seconds=time.process_time() - self.cpu_start,
            stage_seconds=self.stages.seconds,
            stage_images=self.stages.images,
            computing_seconds=self.stages.computing_seconds(),
            naive_seconds=self.stages.naive_seconds(),
        )

    def write(self) -> None:
        write_json(self.path, self.record(), sync=False)

    def text(self) -> str:
        """Return the throughput as one line of the log."""
        record = with_rates(self.record())
        line = f'{self.acceptance_text()}; {record["written_per_second"]:.1f} images/s'
        if record['computing_seconds_per_kept'] and self.stages.images.get('classify'):
            line += (
                f'; {record["computing_seconds_per_kept"]:.3g} s per kept image, {record["naive_seconds_per_kept"]:.3g} s if every '
                'candidate were labelled before filtering (estimated)'
            )
        return line


def acceptance(outcome: Mapping[str, Any]) -> dict[str, float]:
    """Return the share of its input that each filter kept, by name of the filter, in the order of the counts."""
    rates, before = {}, outcome['candidates']
    for key in filter(is_filter_count, outcome):
        rates[key.removeprefix(AFTER)] = outcome[key] / before if before else 0.0
        before = outcome[key]
    return rates


def with_rates(record: dict) -> dict:
    """Return a record, of one process or summed over several ones, with derived rates."""
    kept = max(1, record['written'])
    return dict(
        record,
        acceptance=acceptance(record),
        written_per_second=record['written'] / record['seconds'],
        candidates_per_second=record['candidates'] / record['seconds'],
        cpu_seconds_per_candidate=record['cpu_seconds'] / max(1, record['candidates']),
        cpu_seconds_per_kept=record['cpu_seconds'] / kept,
        computing_seconds_per_kept=record['computing_seconds'] / kept,
        naive_seconds_per_kept=record['naive_seconds'] / kept,
    )


def collect(logs: Path, job: Job, short: list[str]) -> None:
    """Write ``logs/throughput.json`` from the records of the processes of a job.

    Counts are summed, and the longest time is taken. Nothing is written if the job did no work.

    Args:
        logs: Folder ``logs`` of the dataset.
        job: Job whose records are collected.
        short: Messages about classes with too few samples.
    """
    records = [record for path in sorted((logs / 'throughput').glob('*.json')) if (record := _read(path))]
    records = [record for record in records if (record['job'], record['world_size']) == (job.name, job.world_size)]
    if not records:
        return
    total = dict(processes=len(records), device=records[0]['device'], threads=records[0]['threads'])
    filters = dict.fromkeys(key for record in records for key in record if is_filter_count(key))
    for key in ('candidates', *filters, 'kept', 'written', 'cpu_seconds', 'computing_seconds', 'naive_seconds'):
        total[key] = sum(record.get(key, 0) for record in records)
    total['seconds'] = max(record['seconds'] for record in records)
    write_json(logs / 'throughput.json', dict(**with_rates(total), fell_short=short, by_process=records), sync=False)


def _read(path: Path) -> dict | None:
    """Return the record of a process. None if it is damaged, because the figures are not part of the dataset."""
    try:
        return read_json(path, Worked)
    except InputError:
        return None
