"""Early rejection: a judge drops candidates before their images are finished."""

import json
import shutil

import numpy as np
import pytest
import torch
from conftest import ROOT, TINY_CLASSES, TINY_INTERPRETER, TINY_VQGAN, plan_of

from mmbdg.compat.checkpoint import read_checkpoint
from mmbdg.errors import InputError
from mmbdg.registry import MODELS
from mmbdg.sources import LabelledGenerator, LabelledGeneratorSource, Source
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.block import BlockMaker
from mmbdg.synthesis.estimate import estimate
from mmbdg.synthesis.filters import EarlyRejection, FilterBatch, build_filters
from mmbdg.synthesis.job import Job
from mmbdg.synthesis.loading import build_maker
from mmbdg.synthesis.plan_file import read_plan
from mmbdg.synthesis.progress import Progress
from mmbdg.synthesis.repair import repair
from mmbdg.synthesis.stages import Stages

QUIET = dict(log=lambda line: None)


@pytest.fixture
def plan(tiny_labelled_generator, tiny_classifier, tiny_judge) -> Synthesis:
    return plan_of(
        source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator)),
        filters=[
            dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.75, early=dict(judge=str(tiny_judge), keep=0.5)),
            dict(type='mmbdg.UncertaintyFilter', rate=0.25),
        ],
        num_per_class=5,
        candidates=16,
        batch_size=3,
        classes=[1, 2],
    )


def with_early(plan: Synthesis, early: object, **keys: object) -> Synthesis:
    first, *others = plan.filters
    return plan.changed(filters=[dict(first, early=early, **keys), *others])


def files(folder) -> dict[str, bytes]:
    there = (path for path in folder.rglob('*') if path.is_file() and 'logs' not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in there}


@torch.no_grad()
def test_the_judge_by_hand(tiny_judge, tiny_labelled_generator):
    """Mean of each cell, batch normalisation, a linear map of each cell, ReLU; then three linear layers with latent and class."""
    source = LabelledGeneratorSource(str(tiny_labelled_generator))
    coarse = source.draw_coarse(2, range(4), 'blocks.0.0')  # 16 channels at 8 px
    scores = source.judge(str(tiny_judge)).scores(coarse).numpy()
    w = {key: value.numpy().astype(np.float64) for key, value in read_checkpoint(tiny_judge / 'judge.safetensors').items()}
    cells = coarse.feature.numpy().astype(np.float64).reshape(4, 16, 2, 4, 2, 4).mean((3, 5))
    cells = (cells - w['norm.running_mean'][:, None, None]) / np.sqrt(w['norm.running_var'][:, None, None] + 1e-5)
    cells = cells * w['norm.weight'][:, None, None] + w['norm.bias'][:, None, None]
    reduced = np.einsum('oc,nchw->nohw', w['reduce.weight'][:, :, 0, 0], cells) + w['reduce.bias'][:, None, None]
    h = np.concatenate([np.maximum(reduced, 0).reshape(4, -1), w['embedding.weight'][[2] * 4], coarse.z.numpy()], axis=1)
    for layer in (0, 2, 4):
        h = (h if layer == 0 else np.maximum(h, 0)) @ w[f'layers.{layer}.weight'].T + w[f'layers.{layer}.bias']
    np.testing.assert_allclose(scores, h[:, 0], rtol=1e-4, atol=1e-5)


def test_a_block_by_hand(plan):
    """16 candidates -> the 8 best of the judge -> the 4 best of the classifier among them -> 3; only 8 images are finished."""
    maker = build_maker(plan, 'cpu')
    early, rejection, _ = maker.filters
    coarse = maker.source.draw_coarse(1, range(16), early.block)
    judged = early.judge.scores(coarse)
    left = judged.argsort(descending=True)[:8].sort().values.tolist()
    images = maker.source.draw(1, left).images
    confident = rejection.scores(FilterBatch(1, left, images, None, None, 255))
    left = [left[i] for i in confident.argsort(descending=True)[:4].sort().values.tolist()]
    block = maker.make(1, 0)
    assert block.outcome == dict(candidates=16, after_early=8, after_rejection=4, after_uncertainty=3, kept=3)
    uncertainty = maker.source.label(1, left).uncertainty
    assert [sample.index for sample in block.samples] == [left[i] for i in uncertainty.argsort()[:3].sort().values]
    for sample in block.samples:
        assert sample.scores['early_score'] == pytest.approx(judged[sample.index].item(), abs=1e-4)
    assert maker.stages.images | dict(write=0) == dict(coarse=16, generate=8, classify=8, label=4, write=0)
    assert (plan.survivors, plan.kept, plan.blocks) == (4, 3, 2)


def test_only_candidates_that_can_be_kept_are_held(plan, monkeypatch):
    maker, sizes = build_maker(plan, 'cpu'), []
    joined = type(maker.source.draw_coarse(1, [0], 'blocks.0.0')).joined
    monkeypatch.setattr('mmbdg.synthesis.block.Coarse.joined', lambda passes: sizes.append(len(passes[0].z)) or joined(passes))
    maker.judge(1, range(16))
    assert sizes == [3, 6, 8, 8, 8]  # before each batch of 3


def test_a_judge_that_keeps_all_changes_nothing(plan):
    """With keep=1 the samples are those without early rejection."""
    every = dict(plan.filters[0]['early'], keep=1.0)
    with_judge, without = (build_maker(with_early(plan, early), 'cpu').make(2, 1) for early in (every, False))
    assert [sample.index for sample in with_judge.samples] == [sample.index for sample in without.samples]
    for one, other in zip(with_judge.samples, without.samples, strict=True):
        assert np.array_equal(one.image, other.image) and np.array_equal(one.mask, other.mask)
    assert 'early_score' not in without.samples[0].scores and without.outcome.keys() == with_judge.outcome.keys() - {'after_early'}


def test_the_same_bytes_by_any_processes_and_after_an_interruption(plan, tmp_path, monkeypatch):
    whole = synthesize(plan, tmp_path / 'whole', **QUIET)
    for rank in (1, 0):
        synthesize(plan, tmp_path / 'two', job=Job(rank, 2, 'a'), **QUIET)
    made, make = [], BlockMaker.make

    def stop(self, class_id, block, wanted=None):
        made.append(block)
        if len(made) == 3:
            raise KeyboardInterrupt
        return make(self, class_id, block, wanted)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr('mmbdg.synthesis.block.BlockMaker.make', stop)
        synthesize(plan, tmp_path / 'stopped', **QUIET)
    synthesize(plan, tmp_path / 'stopped', **QUIET)
    assert files(whole) == files(tmp_path / 'two') == files(tmp_path / 'stopped')
    dataset = StoredDataset(whole)
    outcome = dict(candidates=32, after_early=16, after_rejection=8, after_uncertainty=6, kept=6)
    assert dataset.info['filters'] == {'square': outcome, 'ring': outcome}
    assert {line['class'] for line in dataset.lines} == {1, 2} and all('early_score' in line for line in dataset.lines)
    assert dataset.info['checksums'].keys() >= {'early.judge', 'early.judge_card', 'rejection.classifier'}
    assert [entry['type'] for entry in dataset.info['config']['filters']] == [
        'mmbdg.EarlyRejection',
        'mmbdg.RejectionSampling',
        'mmbdg.UncertaintyFilter',
    ]
    assert json.loads((whole / 'logs/throughput.json').read_text())['acceptance'] == dict(early=0.5, rejection=0.5, uncertainty=0.75)
    victim = whole / 'images/ring' / f'{next(line for line in dataset.lines if line["class"] == 2)["id"]}.png'
    victim.write_bytes(b'damaged')
    assert not repair(whole, read_plan(whole), **QUIET).problems and files(whole) == files(tmp_path / 'two')


def test_another_judge_makes_another_dataset(plan, tmp_path, tiny_judge):
    out = synthesize(plan.changed(classes=[1], num_per_class=1), tmp_path / 'out', **QUIET)
    other = tmp_path / 'other'
    shutil.copytree(tiny_judge, other)
    card = json.loads((other / 'judge.safetensors.json').read_text())
    (other / 'judge.safetensors.json').write_text(json.dumps(card | dict(figures=dict(early_recall=50.0))))
    with pytest.raises(InputError, match='early.judge_card'):
        synthesize(with_early(plan, dict(judge=str(other), keep=0.5)).changed(classes=[1], num_per_class=1), out, **QUIET)
    with pytest.raises(InputError, match='keep'):
        synthesize(with_early(plan, dict(judge=str(tiny_judge), keep=0.6)).changed(classes=[1], num_per_class=1), out, **QUIET)


def test_the_estimate_counts_coarse_and_fine_parts(plan, tmp_path):
    """The probe judges a batch, and finishes and labels only what the filters would leave of it."""
    plan = plan.changed(batch_size=8)
    maker = build_maker(plan, 'cpu')
    found = estimate(maker, Progress(maker, tmp_path).all_missing([1, 2]), tmp_path, 1)
    assert (found.blocks, found.candidates, found.samples) == (4, 64, 10) and found.seconds > 0
    assert maker.stages.images == dict(coarse=1 + 8, generate=1 + 4, classify=1 + 4, label=1 + 4)


def test_cost_of_the_naive_order():
    """20 candidates of which 4 were finished: all would take 1.5 s to label and 0.25 s to classify."""
    seconds, images = dict(coarse=1.0, generate=2.0, classify=1.0, label=3.0), dict(coarse=20, generate=4, classify=4, label=2)
    stages = Stages(torch.device('cpu'), seconds, images)
    assert stages.naive_seconds() == pytest.approx(20 * 1.5 + 20 * 0.25) and stages.computing_seconds() == pytest.approx(7)


def test_rates(tiny_classifier):
    early, rejection = build_filters([dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, early=True)])
    assert (early.share, early.most(222), rejection.most(early.most(222))) == (0.2, 44, 22)
    assert [early.most(n) for n in (0, 1, 2, 10)] == [0, 1, 1, 2]
    for n in range(1, 100):  # keep is 1 - rate: the classifier keeps all that the judge leaves
        config = dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=1 - n / 100, early=dict(keep=n / 100))
        assert build_filters([config])[1].most(100) == 100
    assert early.keep(torch.tensor([0.5, 2.0, 2.0, -1.0, 0.0, 2.0, 0.1, 0.2, 0.3, 0.4])) == [1, 2]  # the first of equal scores


def test_the_documented_figures():
    rows = json.loads((ROOT / 'docs/analysis/early_rejection_fashion32.json').read_text())['rows']
    page = (ROOT / 'docs/synthesis.md').read_text()
    agreement = [row['agreement'] for row in rows]
    assert f'{np.mean(agreement):.1f} % ± {np.std(agreement, ddof=1):.1f} |' in page
    for key, digits in (('KD', 1), ('ID', 3)):
        full, early = ([row[key][name] for row in rows] for name in ('full', 'early'))
        cells = [f'{np.mean(of):.{digits}f} ± {np.std(of, ddof=1):.{digits}f}' for of in (full, early)]
        assert f'| {cells[0]} | {cells[1]} |' in page
    for key, bold in (('judging', '**'), ('with_labels', '')):
        ratios = [row[key]['ratio'] for row in rows]
        assert f'| 1 | {bold}{np.mean(ratios):.2f}{bold} ({min(ratios):.2f} to {max(ratios):.2f}) |' in page


class TestBadInput:
    def test_values(self, tiny_classifier):
        for early, message in (
            (dict(keep=0.0), 'keep must be above 0'),
            (dict(keep=1.5), 'at most 1'),
            (dict(keep=0.05), r'early rejection would keep 0.05 of the candidates, less than the 0.1'),
            (dict(kept=0.2), 'kept'),
        ):
            with pytest.raises(InputError, match=message):
                build_filters([dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, early=early)])

    def test_order(self, tiny_classifier):
        plain, early = (dict(type='mmbdg.RejectionSampling', name=f'n{i}', classifier=tiny_classifier, early=bool(i)) for i in (0, 1))
        with pytest.raises(InputError, match='must be the first filter, and there can be only one'):
            build_filters([plain, early])
        with pytest.raises(InputError, match='must be the first filter, and there can be only one'):
            build_filters([dict(type='mmbdg.EarlyRejection', name='other'), early])

    def test_no_judge(self, plan):
        with pytest.raises(InputError, match=r'early rejection needs a judge, but there is no .*judge.safetensors: train one'):
            build_maker(with_early(plan, dict(keep=0.5)), 'cpu')

    def test_a_judge_of_something_else(self, plan, tiny_judge, tmp_path):
        card = json.loads((tiny_judge / 'judge.safetensors.json').read_text())
        for change, message in (
            (dict(generator='0' * 64), 'belongs to another generator than'),
            (dict(classifier='0' * 64), 'imitates another classifier than that of RejectionSampling'),
            (
                dict(config=card['config'] | dict(block='blocks.7.0')),
                'has no block "blocks.7.0"; its blocks are blocks.0.0, ',
            ),
            (dict(config=card['config'] | dict(block='blocks.1.0')), 'needs 16 channels .* belongs to another generator'),
            (dict(config=dict(type='mmbdg.BigGAN', resolution=128)), 'may use only these types: mmbdg.CoarseJudge'),
            (dict(config=card['config'] | dict(hidden=2**20)), 'they are the weights of another network'),
            (dict(more=1), 'more'),
        ):
            folder = tmp_path / str(len(message))
            shutil.copytree(tiny_judge, folder, dirs_exist_ok=True)
            (folder / 'judge.safetensors.json').write_text(json.dumps(card | change))
            with pytest.raises(InputError, match=message):
                build_maker(with_early(plan, dict(judge=str(folder), keep=0.5)), 'cpu')

    def test_a_judge_of_another_truncation(self, plan, tiny_judge, tmp_path, monkeypatch):
        said = []
        monkeypatch.setattr('mmbdg.sources.labelled_generator_source.print_log', lambda text, *_: said.append(text))
        own = plan.source['labelled_generator']
        card = json.loads((tiny_judge / 'judge.safetensors.json').read_text())
        for truncation in (LabelledGenerator.load(own).truncation, 0.25):
            folder = shutil.copytree(tiny_judge, tmp_path / str(truncation))
            (folder / 'judge.safetensors.json').write_text(json.dumps(card | dict(truncation=truncation)))
            build_maker(with_early(plan, dict(judge=str(folder), keep=0.5)), 'cpu')
        assert len(said) == 1 and 'was trained on samples with truncation 0.25' in said[0]

    def test_a_source_without_coarse_features(self):
        class Photos(Source):
            def draw(self, class_id, indices): ...
            def identity(self): ...

        with pytest.raises(InputError, match='Photos has no coarse features to judge: remove early rejection'):
            EarlyRejection().prepare_source(Photos())

    def test_a_vqgan(self, tmp_path):
        generator = MODELS.build(TINY_VQGAN)
        config = dict(TINY_INTERPRETER, member=dict(type='mmbdg.FeatureInterpreter', num_outputs=1, groups=(8, 32), widths=(6, 4)))
        interpreter = MODELS.build({**generator.interpreter_sizes(), **config})
        parts = (TINY_VQGAN, generator.state_dict()), (config, interpreter.state_dict())
        LabelledGenerator.write(tmp_path, *parts, classes=TINY_CLASSES, folders=TINY_CLASSES, truncation=None)
        with pytest.raises(InputError, match='VQGAN cannot stop after a block: the tokens of an image are drawn before'):
            EarlyRejection().prepare_source(LabelledGeneratorSource(str(tmp_path)))
