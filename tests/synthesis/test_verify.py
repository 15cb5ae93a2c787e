"""Damage of every kind is noticed, and mended to the same bytes; in folders and shards, with and without logs/."""

import shutil
from dataclasses import replace
from pathlib import Path

import damages
import pytest

from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.repair import repair
from mmbdg.synthesis.verify import verify

ALL = damages.FILES | damages.FOLDER_FILES | damages.LISTS
CASES = [('folder', name) for name in ALL] + [('shards', name) for name in ALL if name not in damages.FOLDER_FILES]


def quiet(line: str) -> None:
    pass


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and root / 'logs' not in p.parents}


def stamps(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for kind in ('images', 'masks', 'shards') for path in (root / kind).rglob('*.*')}


@pytest.fixture(scope='module')
def plan(tiny_labelled_generator):
    """Blocks of 4 of 5 candidates: some numbers belong to no sample."""
    return Synthesis(str(tiny_labelled_generator), num_per_class=6, classes=[0, 2], candidates=5, batch_size=5, uncertainty_rate=0.2)


@pytest.fixture(scope='module')
def whole(plan, tmp_path_factory):
    root = tmp_path_factory.mktemp('whole')
    for form in ('folder', 'shards'):
        synthesize(replace(plan, format=form), root / form, log=quiet)
    return root


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_a_whole_dataset_is_whole(whole, tmp_path, form):
    shutil.copytree(whole / form, tmp_path / 'copy')
    for _ in ('with logs', 'without'):
        findings = verify(tmp_path / 'copy')
        assert findings.whole and not findings.unchecked, findings.problems
        assert (findings.samples, findings.blocks, findings.files) == (12, 4, 24 if form == 'folder' else 4)
        shutil.rmtree(tmp_path / 'copy' / 'logs', ignore_errors=True)


@pytest.mark.parametrize('logs', ['logs', 'no logs'])
@pytest.mark.parametrize('form, damage', CASES)
def test_damage_is_noticed_and_mended(plan, whole, tmp_path, form, damage, logs):
    root, plan = tmp_path / 'data', replace(plan, format=form)
    shutil.copytree(whole / form, root)
    if logs == 'no logs':
        shutil.rmtree(root / 'logs')
    ALL[damage](root)
    assert not verify(root).whole
    repaired = repair(root, plan, log=quiet)
    assert repaired.whole, repaired.problems
    assert content(root) == content(whole / form)
    assert verify(root).whole
    before = stamps(root)
    synthesize(plan, root, log=quiet)  # its records are there again: nothing is missing
    assert stamps(root) == before and content(root) == content(whole / form)
