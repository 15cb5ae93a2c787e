import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import plan_of
from PIL import Image

from mmbdg.classifiers import build_classifier
from mmbdg.errors import InputError
from mmbdg.sources import LabelledGenerator
from mmbdg.storage import StoredDataset
from mmbdg.storage.manifest import read_jsonl
from mmbdg.synthesis import synthesize
from mmbdg.synthesis.identity import identity_of
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.loading import build_maker, load_source


@pytest.fixture
def plan(tiny_labelled_generator, tiny_classifier):
    return plan_of(
        str(tiny_labelled_generator), num_per_class=5, candidates=20, classifier=tiny_classifier, rejection_rate=0.8, batch_size=8
    )


def test_precision_belongs_to_the_dataset(plan, tmp_path):
    other = plan.changed(precision='bfloat16', num_per_class=1, classes=[0])
    maker = build_maker(other, 'cpu')
    assert identity_of(other, maker.source, maker.filters, 'cpu')['config']['source']['precision'] == 'bfloat16'
    synthesize(other.changed(precision='float32'), tmp_path / 'data', log=lambda line: None)
    with pytest.raises(InputError, match='precision: float32 in the dataset, bfloat16 now'):
        synthesize(other, tmp_path / 'data', log=lambda line: None)
    with pytest.raises(InputError, match='float32, bfloat16, float16'):
        synthesize(plan.changed(precision='fp8'), tmp_path / 'more', log=lambda line: None)


def content(root: Path) -> dict[str, bytes]:
    """The files of the dataset: all except logs/."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob('*')) if p.is_file() and p.parts[len(root.parts)] != 'logs'}


def test_counts():
    plan = plan_of('x', candidates=200, classifier={}, rejection_rate=0.9, uncertainty_rate=0.1)
    assert (plan.survivors, plan.kept) == (200, 180)  # without a classifier there is no rejection
    plan = plan.changed(classifier=dict(type='any'))
    assert (plan.survivors, plan.kept) == (20, 18)
    assert plan.changed(candidates=3).kept == 1  # a filter does not empty a class
    with pytest.raises(InputError, match='rejection_rate'):
        plan_of('x', rejection_rate=1)


def test_block_keeps_the_confident_then_the_certain(plan):
    """A block keeps the samples with the highest classifier confidence, then those with the lowest uncertainty.

    Here 4 of 20 remain after the classifier and 2 after the uncertainty filter.
    """
    plan = plan.changed(uncertainty_rate=0.5)
    generator, classifier = LabelledGenerator.load(plan.source['labelled_generator']), build_classifier(plan.filters[0]['classifier'])
    block = build_maker(plan, 'cpu').make(class_id=2, block=1)
    indices = np.arange(20, 40)
    confidence = torch.cat([classifier.probabilities(generator.images([2], [int(i)]))[:, 2] for i in indices]).numpy()
    survivors = np.sort(indices[np.argsort(-confidence)[:4]])
    uncertainty = torch.cat([generator.label([2], [int(i)]).uncertainty for i in survivors]).numpy()
    indices = [sample.index for sample in block.samples]
    assert indices == sorted(survivors[np.argsort(uncertainty)[:2]].tolist())
    np.testing.assert_allclose(
        [sample.scores['classifier_score'] for sample in block.samples], [confidence[i - 20] for i in indices], atol=1e-4
    )
    assert block.outcome == dict(candidates=20, after_rejection=4, after_uncertainty=2, kept=2)


def test_layout(plan, tmp_path):
    out = synthesize(plan, tmp_path / 'out')
    info, lines = StoredDataset(out).info, StoredDataset(out).lines
    assert info['counts'] == dict(disc=5, square=5, ring=5) and info['classes'] == ['background', 'foreground']
    assert set(lines[0]) == {'id', 'class', 'slug', 'seed', 'truncation', 'classifier_score', 'uncertainty', 'foreground_ratio', 'blake2b'}
    assert [line['class'] for line in lines] == [0] * 5 + [1] * 5 + [2] * 5
    generator = LabelledGenerator.load(plan.source['labelled_generator'])
    for line in lines:
        image, mask = (np.asarray(Image.open(out / kind / line['slug'] / f'{line["id"]}.png')) for kind in ('images', 'masks'))
        expected, _ = generator.sample(line['class'], int(line['id']))  # the manifest's address gives the same sample
        assert np.abs(image.astype(int) - expected).max() <= 1
        assert (mask > 0).mean() == pytest.approx(line['foreground_ratio'], abs=1e-6)
    assert len(list(out.glob('images/*/*.png'))) == len(list(out.glob('masks/*/*.png'))) == 15
    assert set(info['checksums']) == {'labelled_generator.json', 'generator.safetensors', 'interpreter.safetensors', 'rejection.classifier'}
    throughput = json.loads((out / 'logs' / 'throughput.json').read_text())
    assert throughput['candidates'] == 120 and throughput['written'] == 15 and throughput['acceptance']['rejection'] == pytest.approx(0.2)


def stamps(root: Path) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for p in root.rglob('*.png')}


def test_more_samples_leave_the_first_alone(plan, tmp_path):
    whole = content(synthesize(plan.changed(num_per_class=11), tmp_path / 'whole'))
    grown = synthesize(plan.changed(num_per_class=3), tmp_path / 'grown')  # less than a block
    first = stamps(grown)
    synthesize(plan.changed(num_per_class=6), grown)
    synthesize(plan.changed(num_per_class=11, classes=[0]), grown)
    synthesize(plan.changed(num_per_class=11), grown)
    assert content(grown) == whole
    assert len(first) == 18 and {path: stamps(grown)[path] for path in first} == first


def test_finished_dataset_is_left_alone_and_lost_files_come_back(plan, tmp_path):
    out = synthesize(plan, tmp_path / 'out')
    whole, before = content(out), stamps(out)
    synthesize(plan, out)
    assert stamps(out) == before
    next(out.glob('masks/ring/*.png')).unlink()
    cut = next(out.glob('images/disc/*.png'))
    cut.write_bytes(cut.read_bytes()[:50])
    synthesize(plan, out)
    assert content(out) == whole


def test_fewer_samples_destroy_nothing(plan, tmp_path):
    before = content(synthesize(plan, tmp_path / 'out'))
    synthesize(plan.changed(num_per_class=2), tmp_path / 'out')
    assert content(tmp_path / 'out') == before
    next((tmp_path / 'out').glob('masks/ring/*.png')).unlink()
    synthesize(plan.changed(num_per_class=2), tmp_path / 'out')
    assert content(tmp_path / 'out') == before


def test_moved_classifier_continues(plan, tmp_path):
    before = content(synthesize(plan, tmp_path / 'out'))
    copy = tmp_path / 'copy.safetensors'
    copy.write_bytes(Path(plan.filters[0]['classifier']['init_cfg']['checkpoint']).read_bytes())
    moved = dict(plan.filters[0]['classifier'], init_cfg=dict(type='Pretrained', checkpoint=str(copy)))
    assert content(synthesize(plan.changed(classifier=moved), tmp_path / 'out')) == before


def test_a_file_is_no_folder(plan, tmp_path):
    (tmp_path / 'out').write_text('mine')
    with pytest.raises(InputError, match='is a file'):
        synthesize(plan, tmp_path / 'out')
    assert (tmp_path / 'out').read_text() == 'mine'


def test_left_overs_of_a_kill_at_any_moment(plan, tmp_path):
    """Files left by a kill are cleaned up: while the folder was claimed, in a block, or while the manifest was written."""
    whole = content(synthesize(plan, tmp_path / 'whole'))
    out = tmp_path / 'out'
    for name in ('logs/lock', 'logs/identity.json.77.part'):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).touch()
    synthesize(plan, out)
    (out / 'dataset.json').unlink()
    for name in ('manifest.jsonl.77.part', 'dataset.json.77.part', 'images/disc/00000001.png.77.part'):
        (out / name).write_text('half')
    synthesize(plan, out)
    assert content(out) == whole and not list(out.rglob('*.part'))


def test_another_config_is_refused(plan, tmp_path):
    before = content(synthesize(plan, tmp_path / 'out'))
    with pytest.raises(InputError, match=r'(?s)another configuration.*config.seed: 0 in the dataset, 1 now'):
        synthesize(plan.changed(seed=1), tmp_path / 'out')
    assert content(tmp_path / 'out') == before


def test_foreign_folder_is_refused(plan, tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(InputError, match='not made by synthesis'):
        synthesize(plan, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ['notes.txt']


def test_unknown_class_is_refused(plan, tmp_path):
    with pytest.raises(InputError, match='no class 3'):
        synthesize(plan.changed(classes=[0, 3]), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'change, message',
    [
        (dict(classifier='cut'), 'cut off'),
        (dict(classifier='missing'), 'there is no checkpoint'),
        (dict(classifier='none'), 'needs trained weights: init_cfg'),
        (dict(device='cuda:99'), 'no device "cuda:99"'),
        (dict(labelled_generator='nowhere'), 'no labelled generator at nowhere'),
    ],
)
def test_nothing_is_written_for_a_run_that_cannot_start(plan, tmp_path, change, message):
    device = change.pop('device', 'cpu')
    if kind := change.get('classifier'):
        path = tmp_path / 'c.safetensors'
        if kind == 'cut':
            path.write_bytes(Path(plan.filters[0]['classifier']['init_cfg']['checkpoint']).read_bytes()[:1000])
        init_cfg = None if kind == 'none' else dict(type='Pretrained', checkpoint=str(path))
        change = dict(classifier=dict(plan.filters[0]['classifier'], init_cfg=init_cfg))
    with pytest.raises(InputError, match=message):
        synthesize(plan.changed(**change), tmp_path / 'out', device)
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'wrong',
    [dict(uncertainty_rate=-0.1), dict(num_per_class=0), dict(classes=[]), dict(truncation=0), dict(truncation='0.9'), dict(extra=1)],
)
def test_plans_that_make_no_sense(wrong):
    with pytest.raises(InputError):
        plan_of('x', **wrong)


def test_cut_off_manifest_is_named(plan, tmp_path):
    out = synthesize(plan, tmp_path / 'out')
    text = (out / 'manifest.jsonl').read_text()
    (out / 'manifest.jsonl').write_text(text[:-20])
    with pytest.raises(InputError, match='line 15'):
        read_jsonl(out / 'manifest.jsonl')
    synthesize(plan, out)  # repairs it
    assert (out / 'manifest.jsonl').read_text() == text


def test_threads_are_restored(plan, tmp_path):
    before = torch.get_num_threads()
    synthesize(plan, tmp_path / 'out')
    assert torch.get_num_threads() == before


def test_uncertain_pixels_are_written_as_ignore(plan, tmp_path):
    """Uncertain pixels have the ignore value.

    The foreground ratio counts foreground only, and the bound is part of the dataset's identity.
    """
    generator = load_source(plan, 'cpu').generator
    bound = float(generator.label([0], [0]).disagreement.median())
    plan = plan.changed(ignore_above=bound, classes=[0])
    synthesize(plan, tmp_path / 'data', log=lambda line: None)
    for line in read_jsonl(tmp_path / 'data' / 'manifest.jsonl'):
        mask = np.asarray(Image.open(tmp_path / 'data' / 'masks' / 'disc' / f'{line["id"]}.png'))
        assert (mask == 255).any() and line['foreground_ratio'] == pytest.approx((mask == 1).mean(), abs=1e-6)
    assert identity_of(plan, load_source(plan, 'cpu'), [], 'cpu')['config']['source']['ignore_above'] == bound
    with pytest.raises(InputError, match='ignore_above'):
        plan.changed(ignore_above=-1)


def test_a_record_that_is_cut_off_is_made_again(plan, tmp_path):
    """An empty or truncated record, for example after a crash of the machine, is made again."""
    whole = content(synthesize(plan, tmp_path / 'out'))
    first, second = sorted((tmp_path / 'out' / 'logs' / 'blocks').glob('disc/*.jsonl'))
    for damaged, text in ((first, ''), (second, second.read_text()[:-20]), (first, first.read_text().split('\n')[0] + '\n')):
        damaged.write_text(text)
        synthesize(plan, tmp_path / 'out')
        assert content(tmp_path / 'out') == whole
    first.write_text('')
    with pytest.raises(InputError, match=r'disc/000000\.jsonl is damaged'):  # it is never skipped silently
        synthesize(plan.changed(classes=[1]), tmp_path / 'out')
    assert content(tmp_path / 'out') == whole
    (tmp_path / 'out' / 'logs' / 'identity.json').write_text('')
    with pytest.raises(InputError, match='identity.json .*the configuration of the dataset is unknown'):
        synthesize(plan, tmp_path / 'out')


def test_lost_files_of_another_process_are_made_again_too(plan, tmp_path):
    """A lost file of rank 1's block is made again by rank 0 before it writes dataset.json."""
    plan = plan.changed(classes=[0])
    out = synthesize(plan, tmp_path / 'out')
    whole = content(out)
    (out / 'dataset.json').unlink()
    lost = json.loads((out / 'logs/blocks/disc/000001.jsonl').read_text().splitlines()[1])['id']
    (out / 'masks/disc' / f'{lost}.png').unlink()
    synthesize(plan, out, job=Job(0, 2, 'a'))
    assert content(out) == whole


def test_throughput_is_of_this_job_only(plan, tmp_path):
    """The throughput of a job does not include earlier jobs, although torchrun gives successive jobs the same name."""
    out = tmp_path / 'out'
    for rank in range(3):
        synthesize(plan.changed(classes=[0, 1, 1]), out, job=Job(rank, 3, 'a'))
    for world_size in (2, 3):
        for rank in range(world_size):
            synthesize(plan.changed(num_per_class=4 + 4 * world_size, classes=[0]), out, job=Job(rank, world_size, 'a'))
        throughput = json.loads((out / 'logs/throughput.json').read_text())
        assert throughput['processes'] == len(throughput['by_process']) <= world_size
        assert {record['world_size'] for record in throughput['by_process']} == {world_size}
        assert throughput['written'] == throughput['candidates'] // 5 < 4 + 4 * world_size
    next(out.glob('masks/disc/*.png')).unlink()  # in block 0, so the other ranks have nothing to do
    for rank in range(3):
        synthesize(plan.changed(num_per_class=16, classes=[0]), out, job=Job(rank, 3, 'a'))
    throughput = json.loads((out / 'logs/throughput.json').read_text())
    assert (throughput['processes'], throughput['written']) == (1, 4)
