"""Every kind of damage is found and repaired to the same bytes, in folders and shards, with and without logs/."""

import json
import shutil
from pathlib import Path

import damages
import numpy as np
import pytest
from conftest import plan_of

from mmbdg.errors import InputError
from mmbdg.files import write_png
from mmbdg.sources import LabelledGenerator
from mmbdg.storage import StoredDataset
from mmbdg.storage.manifest import read_jsonl, write_jsonl
from mmbdg.storage.verify import verify
from mmbdg.synthesis import synthesize
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.job import Job, held
from mmbdg.synthesis.repair import repair

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
    """A plan with blocks that keep 4 of 5 candidates, so that some numbers belong to no sample."""
    return plan_of(str(tiny_labelled_generator), num_per_class=6, classes=[0, 2], candidates=5, batch_size=5, uncertainty_rate=0.2)


@pytest.fixture(scope='module')
def whole(plan, tmp_path_factory):
    root = tmp_path_factory.mktemp('whole')
    for form in ('folder', 'shards'):
        synthesize(plan.changed(format=form), root / form, log=quiet)
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
    root, plan = tmp_path / 'data', plan.changed(format=form)
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
    synthesize(plan, root, log=quiet)  # the records are restored, so nothing is made again
    assert stamps(root) == before and content(root) == content(whole / form)


def copied(whole, tmp_path, form='folder', logs=True):
    root = Path(shutil.copytree(whole / form, tmp_path / 'data'))
    if not logs:
        shutil.rmtree(root / 'logs')
    return root


def lists_lost(root):
    for name in ('manifest.jsonl', 'blocks.jsonl', 'dataset.json'):
        (root / name).unlink()


def test_all_lists_lost(plan, whole, tmp_path):
    """All lists are restored from the synthesis records. Without these records repair raises an error."""
    root = copied(whole, tmp_path)
    lists_lost(root)
    assert repair(root, plan, log=quiet).whole and content(root) == content(whole / 'folder')
    lists_lost(root)
    shutil.rmtree(root / 'logs')
    before = content(root)
    with pytest.raises(InputError, match='has no data left that shows which configuration made it'):
        repair(root, plan, log=quiet)
    assert content(root) == before


def test_nobody_loses_a_file(plan, whole, tmp_path):
    root, said = copied(whole, tmp_path), []
    damages.a_foreign_file(root)
    damages.a_folder_in_its_place(root)
    name = damages.stored(root).relative_to(root)
    repair(root, plan, log=said.append)
    assert (root / 'logs/foreign/notes.txt').read_text() == 'mine'
    assert (root / 'logs/foreign' / name / 'inside.txt').read_text() == 'x'
    assert any('notes.txt does not belong to the dataset; it was moved to' in line for line in said)
    damages.a_foreign_file(root)
    repair(root, plan, log=quiet)
    assert len(list((root / 'logs/foreign').glob('notes.txt*'))) == 2


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_bounds_and_growth(tiny_labelled_generator, tmp_path, form):
    """Repair works if blocks have no samples, classes differ in size, a block was extended later, or the plan differs."""
    ratios = (LabelledGenerator.load(tiny_labelled_generator).label([1] * 40, range(40)).masks > 0).float().mean((1, 2)).numpy()
    bound = float(np.sort(ratios)[-6])
    plan = plan_of(
        str(tiny_labelled_generator), num_per_class=3, candidates=4, batch_size=4, uncertainty_rate=0, min_foreground=bound, format=form
    )
    root = tmp_path / 'data'
    for number, classes in ((1, [1]), (2, None), (5, [1])):
        synthesize(plan.changed(num_per_class=number, classes=classes, max_candidates=40), root, log=quiet)
    info, before = StoredDataset(root).info, content(root)
    assert info['counts']['square'] == 5 and len(set(info['counts'].values())) > 1
    assert any(record['samples'] == 0 for record in read_jsonl(root / 'blocks.jsonl'))
    plan = plan.changed(num_per_class=1)
    for damage in ('everything_lost', 'blocks_lost', 'manifest_lost', 'info_changed', 'manifest_and_blocks_lost', 'blocks_and_info_lost'):
        ALL[damage](root)
        assert repair(root, plan, log=quiet).whole and content(root) == before, damage
        ALL[damage](root)
        shutil.rmtree(root / 'logs')
        if damage != 'blocks_and_info_lost':
            assert repair(root, plan, log=quiet).whole and content(root) == before, f'{damage}, no logs'
    with pytest.raises(InputError, match='the number of candidates is unknown'):
        repair(root, plan, log=quiet)


def test_every_kind_of_file(tiny_labelled_generator, tmp_path):
    plan = plan_of(str(tiny_labelled_generator), num_per_class=3, candidates=3, uncertainty_rate=0, image='jpeg', uncertainty_maps=True)
    root = synthesize(plan, tmp_path / 'data', log=quiet)
    before = content(root)
    assert verify(root).files == 27
    for kind in ('images', 'uncertainty'):
        damages.flip(sorted((root / kind).glob('disc/*.*'))[1], -1)
    findings = verify(root)
    assert [problem.what for problem in findings.problems] == ['does not match its checksum'] * 2 and findings.damaged_blocks == {
        ('disc', 0)
    }
    assert repair(root, plan, log=quiet).whole and content(root) == before


def another_generator(folder: Path, tmp_path: Path) -> str:
    """A copy of a labelled generator in which one weight differs."""
    copy = Path(shutil.copytree(folder, tmp_path / 'another'))
    damages.flip(copy / 'interpreter.safetensors', -2)
    return str(copy)


@pytest.mark.parametrize('logs', [True, False])
@pytest.mark.parametrize('change', ['plan', 'generator'])
@pytest.mark.parametrize('damage', ['a_flipped_byte', 'info_lost'])
def test_another_plan_or_generator_is_refused(plan, whole, tiny_labelled_generator, tmp_path, change, damage, logs):
    root = copied(whole, tmp_path, logs=logs)
    ALL[damage](root)
    before = content(root)
    other = (
        plan.changed(seed=1) if change == 'plan' else plan.changed(labelled_generator=another_generator(tiny_labelled_generator, tmp_path))
    )
    with pytest.raises(InputError) as caught:
        repair(root, other, log=quiet)
    known = damage != 'info_lost' or logs
    assert ('made by another configuration' if known else 'differs from the original block') in str(caught.value)
    assert content(root) == before


def test_a_machine_that_computes_otherwise_changes_nothing(plan, whole, tmp_path, monkeypatch):
    root, make = copied(whole, tmp_path), BlockMaker.make
    damages.zeros_of_equal_size(root)

    def otherwise(self, class_id, block, wanted):
        result = make(self, class_id, block, wanted)
        for sample in result.samples:
            sample.image = sample.image + 1
        return result

    monkeypatch.setattr(BlockMaker, 'make', otherwise)
    before = content(root)
    with pytest.raises(InputError, match='block 0 of the class disc differs from the original block .* this machine computes other values'):
        repair(root, plan, log=quiet)
    assert content(root) == before


def test_an_interrupted_extension(plan, whole, tmp_path, monkeypatch):
    """An interrupted extension can be completed.

    Its samples are in no list yet: they count neither as foreign files nor as part of the dataset.
    """
    root = copied(whole, tmp_path)
    monkeypatch.setattr('mmbdg.synthesis.pipeline.write_manifest', lambda *given: exit(1))
    with pytest.raises(SystemExit):
        synthesize(plan.changed(num_per_class=8), root, log=quiet)
    assert not verify(root).whole
    with pytest.raises(InputError, match='was interrupted: run it again first'):
        repair(root, plan, log=quiet)
    monkeypatch.undo()
    synthesize(plan.changed(num_per_class=8), root, log=quiet)
    assert verify(root).whole


def test_a_run_at_work_is_not_disturbed(plan, whole, tmp_path):
    root = copied(whole, tmp_path)
    damages.deleted(root)
    with held(root / 'logs', Job(), lambda: None), pytest.raises(InputError, match='another run is writing to'):
        repair(root, plan, log=quiet)


def without_checksums(root: Path) -> None:
    """Change the dataset to the format of version 0.4.0."""
    lines = read_jsonl(root / 'manifest.jsonl')
    write_jsonl(root / 'manifest.jsonl', [{key: value for key, value in line.items() if key != 'blake2b'} for line in lines])
    (root / 'blocks.jsonl').unlink()
    info = json.loads((root / 'dataset.json').read_text())
    versions = info['versions'] | dict(mmbdg='0.0.1')
    info = {key: value for key, value in info.items() if key not in ('blake2b', 'files')} | dict(versions=versions)
    (root / 'dataset.json').write_text(json.dumps(info))


WRONG_MASKS = {
    'has 9x7 pixels, expected 16x16': np.zeros((7, 9), np.uint8),
    'has colours': np.zeros((16, 16, 3), np.uint8),
    'has 16 bits per pixel; 2 labels are stored in 8': np.zeros((16, 16), np.uint16),
    'holds the label 77 in 256 pixels': np.full((16, 16), 77, np.uint8),
}


def test_a_dataset_without_checksums(plan, whole, tmp_path):
    """A dataset without checksums can be read and is checked by its pixels.

    Only the version that made it can repair it.
    """
    root = copied(whole, tmp_path)
    without_checksums(root)
    StoredDataset(root)
    findings = verify(root)
    assert findings.whole and 'there are none' in findings.unchecked[0] and findings.samples == 12
    for message, mask in WRONG_MASKS.items():
        path = sorted(root.glob('masks/*/*.png'))[3]
        before = path.read_bytes()
        write_png(path, mask)
        (problem,) = verify(root).problems
        assert problem.place == str(path.relative_to(root)) and message in problem.what
        path.write_bytes(before)
    damages.deleted(root)
    assert verify(root).problems[0].what.startswith('there is no file')
    with pytest.raises(InputError, match='versions.mmbdg: 0.0.1 in the dataset'):
        repair(root, plan, log=quiet)


def test_wrong_masks_of_the_right_checksum(whole, tmp_path):
    """A wrong mask with a matching checksum is found by its pixels."""
    from mmbdg.storage.checksums import file_checksum

    root = copied(whole, tmp_path)
    line = read_jsonl(root / 'manifest.jsonl')[0]
    path = root / f'masks/{line["slug"]}/{line["id"]}.png'
    write_png(path, np.full((16, 16), 77, np.uint8))
    damages.change_json_lines(root / 'manifest.jsonl', lambda lines: lines[0]['blake2b'].update(mask=file_checksum(path)))
    assert any('holds the label 77' in problem.what for problem in verify(root).problems)


def test_no_dataset(tmp_path):
    with pytest.raises(InputError, match='holds no synthetic dataset'):
        verify(tmp_path)
    with pytest.raises(InputError, match='holds no synthetic dataset'):
        verify(tmp_path / 'nowhere')
