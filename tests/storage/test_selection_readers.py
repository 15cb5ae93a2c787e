"""Each reader of a selection gives its samples only. A selection of another dataset raises an error."""

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_tool
from ranked import chosen, write_ranked

from mmbdg.analysis.opening import open_labelled_images
from mmbdg.converters.coco_instances import write_coco
from mmbdg.datasets import StoredObjects, SyntheticSegDataset
from mmbdg.errors import InputError
from mmbdg.storage.checksums import checksum, sealed
from mmbdg.storage.stored import StoredDataset
from mmbdg.storage.unpacked import unpack_shards, write_image_folder
from mmbdg.storage.verify import verify
from mmbdg.synthesis import SelectionPlan, Synthesis, select, synthesize
from mmbdg.synthesis.repair import repair

STEPS = [dict(type='mmbdg.LeastUncertain', fraction=0.5)]


def plan_of(labelled_generator: Path, form: str = 'folder') -> Synthesis:
    short = dict(labelled_generator=str(labelled_generator), uncertainty_rate=0.25)
    return Synthesis.from_config(dict(short, num_per_class=6, candidates=4, format=form))


@pytest.fixture(scope='module')
def datasets(tiny_labelled_generator, tmp_path_factory):
    """The same dataset in folders and in shards, two blocks a class, with the selection "s" of half of each class."""
    root = tmp_path_factory.mktemp('datasets')
    for form in ('folder', 'shards'):
        synthesize(plan_of(tiny_labelled_generator, form), root / form, log=lambda line: None)
        select(root / form, SelectionPlan('s', STEPS), log=lambda line: None)
    return root


def kept_lines(root: Path) -> list[dict]:
    """The manifest's lines of the three least uncertain samples of each class."""
    lines = [json.loads(line) for line in (root / 'manifest.jsonl').read_text().splitlines()]
    best = [sorted((line for line in lines if line['class'] == c), key=lambda line: line['uncertainty'])[:3] for c in range(3)]
    return [line for line in lines if line in best[line['class']]]


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_lines_and_index(datasets, form):
    root, expected = datasets / form, kept_lines(datasets / form)
    whole, part = StoredDataset(root), StoredDataset(root, 's')
    assert list(part.lines) == expected == part.lines[:] and part.lines[-1] == expected[-1] and part.lines == expected
    assert part.index.class_ids.tolist() == [line['class'] for line in expected]
    assert part.index.numbers.tolist() == [int(line['id']) for line in expected]
    assert [whole.lines[place] for place in part.places] == expected and len(whole.lines) == len(whole.places) == 18
    assert part.info['counts'] == dict(disc=3, square=3, ring=3) and whole.info['counts'] == dict(disc=6, square=6, ring=6)
    assert part.info['selection']['name'] == 's' and 'selection' not in whole.info
    with pytest.raises(IndexError):
        part.lines[9]
    for line in expected:
        assert np.array_equal(part.image(line), whole.image(line)) and np.array_equal(part.mask(line), whole.mask(line))


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_a_dataset_of_mmseg(datasets, form):
    pipeline = [dict(type='LoadImageFromFile'), dict(type='mmseg.LoadAnnotations')]
    root = datasets / form
    dataset = SyntheticSegDataset(str(root), selection='s', pipeline=pipeline if form == 'folder' else [])
    stored = StoredDataset(root)
    assert len(dataset) == 9 and [dataset[i]['gt_label'] for i in range(9)] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for i, line in enumerate(kept_lines(root)):
        assert dataset[i]['img_path'] == stored.paths(line)[0]
        if form == 'folder':
            assert np.array_equal(dataset[i]['gt_seg_map'], stored.mask(line) * (line['class'] + 1))
    two = SyntheticSegDataset(str(root), selection='s', label_space=dict(a=['disc'], b=['ring']))
    assert [two.get_data_info(i)['gt_label'] for i in range(len(two))] == [0, 0, 0, 2, 2, 2]


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_objects_to_paste(datasets, form):
    stored, objects = StoredDataset(datasets / form), StoredObjects(str(datasets / form), selection='s')
    assert objects.classes == ('disc', 'square', 'ring') and objects.class_ids.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for i, line in enumerate(kept_lines(datasets / form)):
        image, mask = objects.cutout(i)
        assert np.array_equal(image, stored.image(line)) and np.array_equal(mask, stored.mask(line) == 1)
    grouped = StoredObjects(str(datasets / form), label_space=dict(round=['ring', 'disc']))
    assert grouped.classes == ('round',) and grouped.class_ids.tolist() == [0] * 12
    assert np.array_equal(grouped.cutout(6).image, stored.image(stored.lines[12]))  # without the squares


def test_a_label_that_a_selection_leaves_empty(tmp_path):
    root = write_ranked(tmp_path / 'data')
    select(root, SelectionPlan('big', [dict(type='mmbdg.ForegroundBounds', min_foreground=0.95)]), log=lambda line: None)
    with pytest.raises(InputError, match='has no image of 2 of the 3 labels'):
        SyntheticSegDataset(str(root), selection='big')
    assert len(SyntheticSegDataset(str(root), selection='big', allow_empty=True)) == 1


def test_analysis(datasets, tmp_path):
    images = open_labelled_images(datasets / 'shards', 's')
    assert [images.title(i) for i in range(len(images))] == chosen(datasets / 'shards', 's') and images.name == 'shards, s'
    assert images.facts['counts'] == {'disc': 3, 'square': 3, 'ring': 3} and images.facts['selection']['steps'][0]['fraction'] == 0.5
    for source in ('x.json', dict(type='mmbdg.SyntheticSegDataset')):
        with pytest.raises(InputError, match='so it has no selection "s"'):
            open_labelled_images(source, 's')
    run_tool(ROOT / 'tools/analyze.py', datasets / 'folder', '--selection', 's', '--features', 'none', '--processes', '1', cwd=tmp_path)
    report = json.loads((tmp_path / 'work_dirs/analysis/folder-s/report.json').read_text())
    assert [row['n'] for row in report['classes']] == [3, 3, 3] and report['dataset']['name'] == 'folder, s'


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_converters(datasets, tmp_path, form):
    dataset = StoredDataset(datasets / form, 's')
    names = [f'{line["slug"]}/{line["id"]}' for line in kept_lines(datasets / form)]
    write_coco(dataset, tmp_path / 'coco.json', 1)
    images = json.loads((tmp_path / 'coco.json').read_text())['images']
    assert [image['file_name'] for image in images] == [f'images/{name}.png' for name in names]
    out = write_image_folder(dataset, tmp_path / 'images')
    assert {str(path.relative_to(out)) for path in out.rglob('*.png')} == {f'{name}.png' for name in names}


def test_unpacked(datasets, tmp_path, tiny_labelled_generator):
    """An unpacked selection is a complete dataset with the chosen samples only, and the synthesis does not extend it."""
    out = unpack_shards(StoredDataset(datasets / 'shards', 's'), tmp_path / 'out')
    whole = unpack_shards(StoredDataset(datasets / 'shards'), tmp_path / 'whole')
    expected = [{key: value for key, value in line.items() if key != 'shard'} for line in kept_lines(datasets / 'shards')]
    read = StoredDataset(out)
    assert list(read.lines) == expected and verify(out).whole and not verify(out).unchecked
    for line in expected:
        assert np.array_equal(read.image(line), StoredDataset(whole).image(line))
    info = json.loads((out / 'dataset.json').read_text())
    assert info['config']['selection']['name'] == 's' and 'selection' not in info and info['counts'] == dict(disc=3, square=3, ring=3)
    with pytest.raises(InputError, match='made by another configuration'):
        repair(out, plan_of(tiny_labelled_generator), log=lambda line: None)
    with pytest.raises(InputError, match='was not made by synthesis'):
        synthesize(plan_of(tiny_labelled_generator), out, log=lambda line: None)


@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_verification_and_synthesis_do_not_mind(datasets, tmp_path, tiny_labelled_generator, form):
    root = Path(shutil.copytree(datasets / form, tmp_path / form))
    before = (root / 'selections' / 's.txt').read_bytes()
    assert verify(root).whole
    shutil.rmtree(root / 'logs')
    assert verify(root).whole
    next(path for path in [*root.glob('images/*/*.png'), *root.glob('shards/*/*.tar')]).unlink()
    assert repair(root, plan_of(tiny_labelled_generator, form), log=lambda line: None).whole
    assert (root / 'selections' / 's.txt').read_bytes() == before and not (root / 'logs' / 'foreign').exists()
    assert len(StoredDataset(root, 's').lines) == 9
    (tmp_path / 'outside').mkdir()
    shutil.move(root / 'selections', tmp_path / 'outside')
    (root / 'selections').symlink_to(tmp_path / 'outside' / 'selections')
    assert [problem.what for problem in verify(root).problems] == ['is a link that leads out of the dataset']
    with pytest.raises(InputError, match='leads out'):
        StoredDataset(root, 's')


def test_what_is_refused(datasets, tmp_path):
    root = Path(shutil.copytree(datasets / 'folder', tmp_path / 'data'))
    path = root / 'selections' / 's.txt'
    data = path.read_bytes()
    head, _, samples = data.partition(b'\n')
    header = json.loads(head[2:])

    def written(samples: bytes, **values: object) -> bytes:
        content = sealed({**header, 'samples': checksum(samples), **values})
        return b'# ' + json.dumps(content).encode() + b'\n' + samples

    first = samples.splitlines(keepends=True)[0]
    unknown = b'disc/99999999\n'
    for content, message in {
        written(samples + unknown): 'line 11: disc/99999999 is not a sample of this dataset',
        written(first + samples): 'line 3: .* is listed twice',
        written(samples + b'../x/00000000\n'): "line 11: '../x/00000000' is not a sample",
        written(samples + b'disc/3\n'): "line 11: 'disc/3' is not a sample",
        written(samples + b'\n'): "line 11: '' is not a sample",
        written(b''): 'it lists no samples',
        written(samples, dataset='0' * 32): 'was made from another dataset',
        written(samples, name='t'): 'is the selection "t" under another name',
        written(samples, counts={'disc': 1}): 'the counts in the header do not match',
        written(samples, counts={'disc': -1}): 'counts.disc',
        data[:-3]: 'damaged: its lines do not match their checksum',
        data.replace(b'0.5', b'0.6'): 'header .* does not match its checksum',
        samples: 'its first line is not a header',
        b'# {': 'is cut off',
        b'': 'its first line is not a header',
    }.items():
        path.write_bytes(content)
        with pytest.raises(InputError, match=message) as caught:
            StoredDataset(root, 's')
        assert 'tools/select_samples.py' in str(caught.value)
    path.write_bytes(data)
    assert len(StoredDataset(root, 's').lines) == 9
    with pytest.raises(InputError, match=r'has no selection "ss" \(existing ones: s\); did you mean "s"\?'):
        StoredDataset(root, 'ss')
    for name in ('../s', 'a/b', '', '..', 3):
        with pytest.raises(InputError, match='the name of a selection'):
            StoredDataset(root, name)
    shutil.copy(path, datasets / 'shards' / 'selections' / 'foreign.txt')
    with pytest.raises(InputError, match='under another name'):
        StoredDataset(datasets / 'shards', 'foreign')
    (datasets / 'shards' / 'selections' / 'foreign.txt').unlink()


def test_a_dataset_of_version_0_4_0_that_changes(tmp_path):
    """For a dataset of version 0.4.0, which has no checksum of its own, the checksum of the manifest is compared."""
    root = write_ranked(tmp_path / 'data')
    select(root, SelectionPlan('s', STEPS), log=lambda line: None)
    assert len(StoredDataset(root, 's').lines) == 5
    with open(root / 'manifest.jsonl', 'a') as file:
        file.write('\n')
    text = (root / 'manifest.jsonl').read_text().rstrip('\n').replace('0.4,', '0.41,', 1) + '\n'
    (root / 'manifest.jsonl').write_text(text)
    with pytest.raises(InputError, match='was made from another dataset'):
        StoredDataset(root, 's')


@pytest.mark.parametrize('version', ['0.4.0', '0.5.0'])
@pytest.mark.parametrize('form', ['folder', 'shards'])
def test_datasets_of_older_versions(tmp_path, version, form):
    root = Path(shutil.copytree(ROOT / 'tests/golden/datasets' / version / form, tmp_path / 'data'))
    select(root, SelectionPlan('s', STEPS), log=lambda line: None)
    assert (
        chosen(root, 's')
        == ['trouser/00000001', 'bag/00000004']
        == [f'{line["slug"]}/{line["id"]}' for line in StoredDataset(root, 's').lines]
    )
    assert verify(root).whole


def test_opening_takes_no_object_a_line(tmp_path, monkeypatch):
    """A selection needs little additional time and memory: 8 bytes a sample, here for 3,000 samples."""
    samples = {'cat': {i: (i / 10**4, 0.5) for i in range(3000)}}
    monkeypatch.setattr('ranked.write_png', lambda path, picture: path.touch())
    root = write_ranked(tmp_path / 'data', samples)
    select(root, SelectionPlan('s', STEPS), log=lambda line: None)
    times = {}
    for name in (None, 's', None, 's'):
        start = time.process_time()
        dataset = StoredDataset(root, name)
        times[name] = min(times.get(name, 9), time.process_time() - start)
    assert times['s'] < 2 * times[None] + 0.05
    assert dataset.places.nbytes == 8 * 1500 and isinstance(dataset.lines._places, np.ndarray)
