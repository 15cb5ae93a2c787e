import errno
import os
import shutil
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest
from conftest import plan_of

from mmbdg import files
from mmbdg.errors import InputError
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize
from mmbdg.synthesis.job import Job

Usage = namedtuple('Usage', 'total used free')


@pytest.fixture
def plan(tiny_labelled_generator):
    return plan_of(str(tiny_labelled_generator), num_per_class=6, candidates=4, batch_size=4, uncertainty_rate=0)


def quiet(line: str) -> None:
    pass


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob('*') if p.is_file() and root / 'logs' not in p.parents}


def test_a_disk_that_gets_full(plan, tmp_path, monkeypatch):
    """A full disk gives an error. Completed files stay, and the run continues when there is space again."""
    whole = content(synthesize(plan, tmp_path / 'whole', log=quiet))
    write, left = files.write_atomically, [20]

    def full(path, do, sync):
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        write(path, do, sync)

    monkeypatch.setattr('mmbdg.synthesis.writer.write_atomically', full)
    with pytest.raises(InputError, match='the disk is full.*Finished blocks stay.*repeat the command'):
        synthesize(plan, tmp_path / 'out', log=quiet)
    there = content(tmp_path / 'out')
    assert len(there) == 19 and there.items() <= whole.items()
    synthesize(plan, tmp_path / 'out', log=quiet)
    assert content(tmp_path / 'out') == whole


def test_a_full_disk_beside_the_computation(plan, tmp_path, monkeypatch):
    """Errors of a full disk in writer threads are reported too."""

    def full(path, files, sync):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr('mmbdg.synthesis.writer.write_shard', full)
    with pytest.raises(InputError, match='the disk is full'):
        synthesize(plan.changed(format='shards'), tmp_path / 'out', log=quiet, writers=2)


def test_a_small_disk(plan, tmp_path, monkeypatch):
    """A real file system of 400 KiB becomes full."""
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', tmp_path], capture_output=True)
    if mounted.returncode:
        pytest.skip('mounting a small disk takes more rights than this machine gives')
    try:
        with pytest.raises(InputError, match='kB free: free some'):
            synthesize(plan.changed(num_per_class=4000), tmp_path / 'out', log=quiet)
        assert not (tmp_path / 'out/images').exists()
        shutil.rmtree(tmp_path / 'out')
        with open(tmp_path / 'ballast', 'wb') as file:
            file.write(bytes(200 * 1024))
        plan = plan.changed(num_per_class=60)
        monkeypatch.setattr('mmbdg.synthesis.pipeline.check_disk', lambda *given: None)  # as if other processes filled the disk meanwhile
        with pytest.raises(InputError, match='the disk is full'):
            synthesize(plan, tmp_path / 'out', log=quiet)
        (tmp_path / 'ballast').unlink()
        there = content(tmp_path / 'out')
        assert there and all(content_ for content_ in there.values())
    finally:
        subprocess.run(['umount', tmp_path], check=True)


@pytest.mark.parametrize('rank', [0, 1])  # either can be the first
def test_too_little_space_is_seen_before_the_first_image(plan, tmp_path, monkeypatch, rank):
    monkeypatch.setattr(shutil, 'disk_usage', lambda path: Usage(10**6, 10**6 - 5000, 5000))
    with pytest.raises(InputError, match='needs about [0-9.]+ kB more for 18 samples, its disk has 5 kB free'):
        synthesize(plan, tmp_path / 'out', log=quiet, job=Job(rank, 2, 'a'))
    assert not (tmp_path / 'out/images').exists()
    monkeypatch.undo()
    synthesize(plan.changed(image='jpeg'), tmp_path / 'out', log=quiet)  # JPEG, as the message recommends; the folder is not claimed yet
    assert len(list((tmp_path / 'out').rglob('*.jpg'))) == 18


def test_a_folder_that_cannot_be_written(plan):
    if not Path('/proc/self').exists():
        pytest.skip('needs a file system that nobody can write to: Linux has /proc')
    with pytest.raises((InputError, FileNotFoundError)) as caught:
        synthesize(plan, '/sys/mmbdg' if Path('/sys/kernel').exists() else '/proc/mmbdg', log=quiet)
    assert 'cannot be written' in str(caught.value)


def test_dry_run(plan, tmp_path):
    said = []
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert not (tmp_path / 'out').exists()
    assert said[0].startswith('18 samples of 24 candidates in 6 blocks: about ') and ' are free)' in said[0]
    synthesize(plan.changed(num_per_class=4), tmp_path / 'out', log=quiet)
    said.clear()
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert said[0].startswith('6 samples of 12 candidates in 3 blocks')
    synthesize(plan, tmp_path / 'out', log=quiet)
    said.clear()
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert said == ['nothing is missing']


def test_what_is_reckoned_is_what_it_takes(plan, tmp_path):
    from mmbdg.synthesis.block import BlockMaker
    from mmbdg.synthesis.estimate import estimate
    from mmbdg.synthesis.loading import build_maker
    from mmbdg.synthesis.progress import Progress

    maker = build_maker(plan, 'cpu')
    blocks = Progress(maker, tmp_path).all_missing(range(3))
    reckoned = estimate(maker, blocks, tmp_path, 1)
    out = synthesize(plan, tmp_path / 'out', log=quiet)
    taken = sum(-(-path.stat().st_size // 4096) * 4096 for kind in ('images', 'masks') for path in (out / kind).rglob('*.png'))
    shards = estimate(BlockMaker(plan.changed(format='shards'), maker.source, maker.filters), blocks, tmp_path, 1)
    packed = synthesize(plan.changed(format='shards'), tmp_path / 'shards', log=quiet)
    tar_ends = 6 * 10240  # at most the end of each of six shards
    assert 0 < sum(path.stat().st_size for path in packed.rglob('*.tar')) - shards.bytes < tar_ends
    assert reckoned.samples == len(StoredDataset(out).lines) == 18 and reckoned.candidates == 24
    assert reckoned.bytes == pytest.approx(taken, rel=0.1)
