"""Synthesis in several processes: kills at any moment, a process that ends, and two runs at once."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from conftest import plan_of
from forked import start_forked

from mmbdg.errors import InputError
from mmbdg.storage import StoredDataset, layout
from mmbdg.synthesis import Synthesis, pipeline, synthesize
from mmbdg.synthesis.job import Job, at_work, held

SYNTHESIS = """
import json, sys
import mmbdg
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.job import Job
synthesize(Synthesis.from_config(json.loads(sys.argv[1])), sys.argv[2], job=Job.from_environment())
"""
QUIET = dict(log=lambda line: None)


@pytest.fixture
def plan(tiny_labelled_generator):
    return plan_of(str(tiny_labelled_generator), num_per_class=40, candidates=6, batch_size=4, uncertainty_maps=True, uncertainty_rate=0.2)


@pytest.fixture
def start(tmp_path):
    """Function that starts the processes of one job, as torchrun does. All are killed at the end."""
    started, script = [], tmp_path / 'synthesis.py'
    script.write_text(SYNTHESIS)

    def start(plan: Synthesis, out: Path, processes: int, name: str = 'a') -> list[BaseProcess]:
        job = os.environ | dict(WORLD_SIZE=str(processes), TORCHELASTIC_RUN_ID=name, OMP_NUM_THREADS='1')
        command = [str(script), json.dumps(plan.plain()), str(out)]
        new = [start_forked(command, tmp_path, job | dict(RANK=str(rank)), tmp_path / f'log_{name}_{rank}') for rank in range(processes)]
        started.extend(new)
        return new

    yield start
    for process in started:
        process.kill()
        process.join()


def ended(process: BaseProcess) -> int:
    process.join(300)
    return process.exitcode


def content(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and p.relative_to(root).parts[0] != 'logs'
    }


def made(out: Path) -> int:
    return len(list(out.glob('logs/blocks/*/*.jsonl')))


def test_three_processes_end_with_the_same_bytes(plan, tmp_path, start):
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))
    processes = start(plan, tmp_path / 'out', 3)
    codes = [ended(process) for process in processes]
    said = [(tmp_path / f'log_a_{rank}').read_text() for rank in range(3)]
    assert codes == [0, 0, 0], said
    assert content(tmp_path / 'out') == whole
    assert sum('120 labelled images' in text for text in said) >= 1  # the last process prints it
    throughput = json.loads((tmp_path / 'out/logs/throughput.json').read_text())
    assert throughput['processes'] in (1, 2, 3) and throughput['written'] == 120  # the last process may have nothing to do
    assert sum(record['written'] for record in throughput['by_process']) == 120


@pytest.mark.parametrize('form, processes', [('folder', 1), ('shards', 2)])
def test_killed_at_random_moments(plan, tmp_path, start, form, processes):
    plan = plan.changed(format=form, num_per_class=60)
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))
    out, rng, kills = tmp_path / 'killed', random.Random(processes), 0
    while not (out / 'dataset.json').exists():
        run = start(plan, out, processes, name=str(kills))
        target = made(out) + rng.randint(1, 6)
        while any(process.is_alive() for process in run) and made(out) < target:
            time.sleep(0.005)
        time.sleep(rng.random() / 50)
        if kills < 3:
            kills += any(process.is_alive() for process in run)
            for process in run:
                process.kill()
        for process in run:
            process.join()
    assert kills >= 2
    assert content(out) == whole


def test_a_rank_that_dies(plan, tmp_path, start):
    """If one process is killed, the other completes the dataset without changing existing files."""
    plan = plan.changed(num_per_class=100)
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))
    out = tmp_path / 'out'
    first, second = start(plan, out, 2)
    while not made(out):
        time.sleep(0.005)
    second.kill()
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*.png')}
    assert ended(first) == 0 and '300 labelled images' in (tmp_path / 'log_a_0').read_text() and len(before) < len(whole)
    assert content(out) == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list((out / 'logs').rglob('*.part'))


def test_an_incomplete_file_of_a_killed_process_is_removed_at_the_end(plan, tmp_path, monkeypatch):
    plan, out, run = plan.changed(num_per_class=8), tmp_path / 'out', pipeline._run
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))

    def killed_meanwhile(*args) -> list:
        left = run(*args)
        next((out / 'masks').iterdir()).joinpath('00000001.png.13-7.part').touch()
        return left

    monkeypatch.setattr(pipeline, '_run', killed_meanwhile)
    assert content(synthesize(plan, out, **QUIET)) == whole


def test_all_ranks_but_one_die_while_it_is_at_its_last_block(plan, tmp_path, start):
    """A block that another process is making is left to it. If that process ends, the dataset is not complete.

    Running the same command again completes it.
    """
    plan, out, said = plan.changed(num_per_class=8, classes=[0]), tmp_path / 'out', []
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))
    with at_work(out / 'logs', '0-0') as free:  # as if rank 0 were making its only block
        assert free
        synthesize(plan, out, log=said.append, job=Job(1, 2, 'a'))
    assert 'other processes are making' in said[-1] and 'run the same command again' in said[-1]
    with pytest.raises(InputError, match='is unfinished'):
        StoredDataset(out)
    synthesize(plan, out, job=Job(1, 2, 'a'), **QUIET)
    assert content(out) == whole


def test_a_rank_with_another_config_is_refused(plan, tmp_path):
    """A rank with another config raises an error, although it belongs to the job that holds the folder."""
    out = tmp_path / 'out'
    synthesize(plan.changed(num_per_class=8), out, **QUIET)
    with held(out / 'logs', Job(0, 2, 'a'), lambda: None):
        (out / 'logs/identity.json').unlink()  # the state before the first process has started
        identity = out / 'logs/identity.json'

        def first_comes_in(root, wanted, check=layout.check_claim, calls=[]):  # noqa: B006
            check(root, wanted)
            if not calls:  # between the check before the lock and the one after it
                calls.append(1)
                identity.write_text(json.dumps({**wanted, 'device': 'another'}))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr('mmbdg.synthesis.pipeline.check_claim', first_comes_in)
            shutil.rmtree(out / 'images'), shutil.rmtree(out / 'masks'), shutil.rmtree(out / 'uncertainty')
            for name in ('manifest.jsonl', 'blocks.jsonl', 'dataset.json'):
                (out / name).unlink()
            with pytest.raises(InputError, match='device: another in the dataset, cpu now'):
                synthesize(plan, out, job=Job(1, 2, 'a'), **QUIET)
    assert not (out / 'images').exists()


def test_two_runs_at_once(plan, tmp_path, start):
    out = tmp_path / 'out'
    (process,) = start(plan.changed(num_per_class=2000), out, 1)
    while not made(out):
        time.sleep(0.01)
    with pytest.raises(InputError, match=f'another run is writing to .*process {process.pid}'):
        synthesize(plan.changed(num_per_class=2000), out, **QUIET)
    process.kill()
    process.join()
    small = plan.changed(num_per_class=4)
    synthesize(small, out, **QUIET)  # continues immediately
    assert min(StoredDataset(out).info['counts'].values()) >= 4


def test_torchrun(plan, tmp_path):
    config = tmp_path / 'synthesis.py'
    config.write_text(f'synthesis = {plan.plain()!r}\n')
    whole = content(synthesize(plan, tmp_path / 'whole', **QUIET))
    result = subprocess.run(
        [
            sys.executable,
            '-m',
            'torch.distributed.run',
            '--standalone',
            '--nproc_per_node=2',
            'tools/synthesize.py',
            config,
            tmp_path / 'out',
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert result.returncode == 0 and '120 labelled images' in result.stdout, result.stdout[-3000:]
    assert content(tmp_path / 'out') == whole
