"""The records from which an interrupted synthesis continues.

They do not depend on the clock, damaged records are handled, and files reach the disk before their record.
"""

import os
import shutil
import time
from pathlib import Path

import damages
import pytest
from conftest import plan_of

from mmbdg import files
from mmbdg.errors import InputError
from mmbdg.storage.records import BlockRecords
from mmbdg.storage.verify import verify
from mmbdg.synthesis import synthesize

YEAR = 365 * 86400


def quiet(line: str) -> None:
    pass


def content(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and root / 'logs' not in p.parents}


@pytest.fixture(scope='module')
def plan(tiny_labelled_generator):
    return plan_of(str(tiny_labelled_generator), num_per_class=6, candidates=3, uncertainty_rate=0)


@pytest.fixture(scope='module')
def whole(plan, tmp_path_factory):
    return synthesize(plan, tmp_path_factory.mktemp('whole') / 'data', log=quiet)


@pytest.fixture
def copy(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / 'data'))


def dated(root: Path, seconds: float) -> None:
    for path in root.rglob('*'):
        os.utime(path, (time.time() + seconds,) * 2)


@pytest.mark.parametrize('damage', ['zeros_of_equal_size', 'a_flipped_byte', 'cut_off', 'deleted', 'swapped'])
@pytest.mark.parametrize('records, samples', [(YEAR, 0), (YEAR, YEAR + 5), (-YEAR, 0), (0, -YEAR)])
def test_clocks_decide_nothing(plan, whole, copy, damage, records, samples):
    """Files that changed after their record, or whose record has a time in the future, are compared by checksum."""
    dated(copy, samples)
    dated(copy / 'logs', records)
    damages.FILES[damage](copy)
    synthesize(plan, copy, log=quiet)
    assert content(copy) == content(whole)


def test_damage_that_bears_an_old_date(plan, whole, copy):
    """Damage that keeps size and time, as a failing disk leaves it, is found and repaired with ``verify=True`` only."""
    path, beside = damages.stored(copy), damages.stored(copy, 0)
    state = path.stat()
    damages.zeros_of_equal_size(copy)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    before, damaged = beside.stat().st_mtime_ns, content(copy)
    synthesize(plan, copy, log=quiet)
    assert content(copy) == damaged
    synthesize(plan, copy, log=quiet, verify=True)
    assert content(copy) == content(whole) and beside.stat().st_mtime_ns == before


RECORDS = {
    'empty': lambda data: b'',
    'zeros': lambda data: bytes(len(data)),
    'cut off': lambda data: data[:-30],
    'no JSON': lambda data: b'[' * 50_000,
    'a list': lambda data: b'[]\n',
    'nothing in it': lambda data: b'{}\n',
    'of version 0.4.0': lambda data: b'{"candidates": 3, "kept": 3, "bytes": 100}\n',
    'other counts': lambda data: data.replace(b'"kept": 3', b'"kept": 2'),
    'another line': lambda data: data.replace(b'"seed": 0', b'"seed": 1'),
    'a line too few': lambda data: data[: data[:-1].rindex(b'\n') + 1],
    'no text': lambda data: b'\xff\xfe\x00\xd8' + data,
}


@pytest.mark.parametrize('name', RECORDS)
def test_damaged_records_count_as_none(plan, whole, copy, name):
    path = copy / 'logs/blocks/disc/000001.jsonl'
    path.write_bytes(RECORDS[name](path.read_bytes()))
    assert BlockRecords(copy).read('disc', 1) is None
    synthesize(plan, copy, log=quiet)
    assert content(copy) == content(whole) and verify(copy).whole
    assert BlockRecords(copy).read('disc', 1).record == BlockRecords(whole).read('disc', 1).record


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"config": 3}', '[' * 50_000, '\0' * 40])
def test_the_other_files_of_logs(plan, whole, copy, text):
    """Damaged timing and run files are written again. A damaged identity.json raises an error."""
    for name in ('run.json', 'plan.json', 'throughput.json', 'throughput/rank-0000.json', 'throughput/rank-0001.json'):
        (copy / 'logs' / name).parent.mkdir(exist_ok=True)
        (copy / 'logs' / name).write_text(text)
    damages.deleted(copy)
    synthesize(plan, copy, log=quiet)
    assert content(copy) == content(whole)
    (copy / 'logs/identity.json').write_text(text)
    with pytest.raises(InputError, match='identity.json .*; the configuration of the dataset is unknown. .*verify.py .* --repair'):
        synthesize(plan, copy, log=quiet)


@pytest.mark.parametrize('form', ['folder', 'shards'])
@pytest.mark.parametrize('sync', [True, False])
def test_files_are_on_the_disk_before_their_record(plan, tmp_path, monkeypatch, form, sync):
    """A block's files and their folders are flushed to the disk before its record. With ``sync=False`` nothing is flushed."""

    waited, early, write = set(), [], BlockRecords.write

    def recorded(self, record, lines, sync):
        kinds = ('shards',) if form == 'shards' else ('images', 'masks')
        for kind in kinds:
            folder = tmp_path / 'out' / kind / record['folder']
            early.extend(path for path in (folder, folder.parent, *folder.iterdir()) if path not in waited)
        write(self, record, lines, sync)

    monkeypatch.setattr(files, '_sync', waited.add)
    monkeypatch.setattr(BlockRecords, 'write', recorded)
    out = synthesize(plan.changed(format=form, num_per_class=4), tmp_path / 'out', log=quiet, sync=sync)
    samples = [path for kind in ('images', 'masks', 'shards') for path in (out / kind).rglob('*.*')]
    assert len(samples) == (6 if form == 'shards' else 24)
    if sync:
        assert not early and out / 'logs/blocks/disc' in waited
    else:
        assert not waited & {*samples, out / 'images', out / 'shards'} and len(early) > len(samples)
