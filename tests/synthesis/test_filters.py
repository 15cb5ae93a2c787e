"""Requirements of :class:`mmbdg.synthesis.filters.Filter` for every registered filter, and combinations of filters."""

import json

import numpy as np
import pytest
import torch
from conftest import plan_of

from mmbdg.errors import InputError
from mmbdg.registry import FILTERS
from mmbdg.sources import LabelledGeneratorSource
from mmbdg.storage import StoredDataset
from mmbdg.storage.catalogue import Catalogue
from mmbdg.synthesis import Synthesis, synthesize
from mmbdg.synthesis.filters import Filter, FilterBatch, ForegroundFilter, UncertaintyFilter, build_filters
from mmbdg.synthesis.loading import build_maker

FILTERS.import_from_location()
CATALOGUE = Catalogue(('disc', 'square', 'ring'), ('disc', 'square', 'ring'), ('background', 'foreground'), 255, 16)


@FILTERS.register_module(force=True)
class RedFilter(Filter):
    """A second image filter. It keeps the half of the images with the most red."""

    short_name, stage, field = 'red', 'image', 'red'

    def most(self, candidates):
        return (candidates + 1) // 2

    def scores(self, batch):
        return batch.images[:, 0].float().mean((1, 2))

    def keep(self, scores):
        return sorted(scores.argsort(descending=True, stable=True)[: self.most(len(scores))].tolist())

    def identity(self):
        return dict(config=dict(type='mmbdg.RedFilter', name=self.name), checksums={}, versions={})


@pytest.fixture
def examples(tiny_classifier, tiny_judge) -> dict[str, dict]:
    """A tiny config of each filter, by its registered name. Add new filters here."""
    return dict(
        RejectionSampling=dict(classifier=tiny_classifier, rate=0.5),
        UncertaintyFilter=dict(rate=0.3),
        ForegroundFilter=dict(min=0.2),
        EarlyRejection=dict(judge=str(tiny_judge), keep=0.3),
        RedFilter={},
    )


@pytest.fixture
def source(tiny_labelled_generator) -> LabelledGeneratorSource:
    return LabelledGeneratorSource(str(tiny_labelled_generator))


def a_batch(entry: Filter, source: LabelledGeneratorSource, n: int = 10) -> FilterBatch:
    if entry.stage == 'coarse':
        return FilterBatch(1, range(n), None, None, None, 255, source.draw_coarse(1, range(n), entry.block))
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (n, 3, 16, 16), dtype=np.uint8))
    masks = torch.from_numpy((rng.random((n, 16, 16)) < np.linspace(0.05, 0.9, n)[:, None, None]).astype(np.int64))
    if entry.stage == 'image':
        return FilterBatch(1, range(n), images, None, None, 255)
    return FilterBatch(1, range(n), images, masks, torch.from_numpy(rng.random(n)).float(), 255)


@pytest.mark.parametrize('name', sorted(FILTERS.module_dict))
def test_conformance(examples, source, name):
    assert name in examples, f'add a tiny {name} to the examples of this test'
    config = dict(type=f'mmbdg.{name}', **examples[name])
    (entry,) = build_filters([config])
    assert isinstance(entry, Filter) and entry.stage in ('coarse', 'image', 'mask')
    entry.prepare_source(source)
    entry.prepare(CATALOGUE, [0, 1, 2])
    batch = a_batch(entry, source)
    scores = entry.scores(batch).cpu()
    assert scores.shape == (10,) and scores.isfinite().all()
    half = batch._replace(**{k: v[5:] for k, v in batch._asdict().items() if isinstance(v, torch.Tensor | range)})
    half = entry.scores(half._replace(coarse=batch.coarse and batch.coarse.rows(range(5, 10))))
    torch.testing.assert_close(half.cpu(), scores[5:], rtol=1e-4, atol=1e-5)  # a score depends on its sample only
    kept = entry.keep(scores)
    assert kept == sorted(set(kept)) and all(0 <= i < 10 for i in kept)
    assert len(kept) == entry.most(10) if not entry.may_fall_short else len(kept) <= entry.most(10)
    assert entry.most(0) == 0 and entry.most(1) == 1
    assert bool(entry.advice()) == entry.may_fall_short
    identity = entry.identity()
    assert set(identity) == {'config', 'checksums', 'versions'} and json.loads(json.dumps(identity)) == identity
    assert identity['config']['type'] == f'mmbdg.{name}' and identity['config']['name'] == entry.name


def test_uncertainty_keeps_the_certain():
    entry = UncertaintyFilter(rate=0.5)
    assert entry.keep(torch.tensor([0.3, 0.1, 0.2, 0.1, 0.9])) == [1, 2, 3]  # 5 - floor(2.5)
    assert entry.keep(torch.tensor([0.1, 0.1, 0.1, 0.1])) == [0, 1]  # the first of equal scores
    assert UncertaintyFilter(rate=0.99).keep(torch.tensor([0.5])) == [0]  # no class becomes empty


def test_foreground_keeps_what_is_within_bounds():
    masks = torch.zeros(4, 2, 2, dtype=torch.int64)
    masks[1, 0, 0] = masks[2, 0] = masks[3] = 1
    masks[3, 0, 0] = 255  # ignored pixels do not count
    batch = FilterBatch(0, range(4), torch.zeros(4, 3, 2, 2, dtype=torch.uint8), masks, None, 255)
    entry = ForegroundFilter(min=0.25, max=0.5)
    assert entry.scores(batch).tolist() == [0, 0.25, 0.5, 0.75] and entry.keep(entry.scores(batch)) == [1, 2]


@pytest.fixture
def plan(tiny_labelled_generator, tiny_classifier) -> Synthesis:
    return plan_of(
        source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=str(tiny_labelled_generator)),
        filters=[
            dict(type='mmbdg.RejectionSampling', classifier=tiny_classifier, rate=0.5),
            dict(type='mmbdg.RedFilter'),
            dict(type='mmbdg.RejectionSampling', name='again', classifier=tiny_classifier, rate=0.5),
            dict(type='mmbdg.UncertaintyFilter', rate=0.5),
        ],
        num_per_class=2,
        candidates=16,
        batch_size=5,
        classes=[1],
    )


def test_filters_run_in_their_order(plan, tmp_path):
    """Filters run in the given order, 16 -> 8 -> 4 -> 2 -> 1, with the expected samples."""
    maker = build_maker(plan, 'cpu')
    images = torch.cat([maker.source.draw(1, [i]).images for i in range(16)])
    confident = maker.filters[0].scores(FilterBatch(1, range(16), images, None, None, 255))
    left = confident.argsort(descending=True)[:8].sort().values
    red = images[left, 0].float().mean((1, 2))
    left = left[red.argsort(descending=True)[:4]].sort().values
    left = left[confident[left].argsort(descending=True)[:2]].sort().values
    uncertainty = torch.cat([maker.source.label(1, [int(i)]).uncertainty for i in left])
    block = maker.make(1, 0)
    assert block.outcome == dict(candidates=16, after_rejection=8, after_red=4, after_again=2, after_uncertainty=1, kept=1)
    assert [sample.index for sample in block.samples] == [int(left[uncertainty.argmin()])]
    info = StoredDataset(synthesize(plan, tmp_path / 'out', log=lambda line: None)).info
    outcome = dict(candidates=32, after_rejection=16, after_red=8, after_again=4, after_uncertainty=2, kept=2)
    assert info['filters'] == dict(square=outcome)
    line = StoredDataset(tmp_path / 'out').lines[0]
    assert line['red'] == pytest.approx(images[block.samples[0].index, 0].float().mean().item(), abs=1e-3)
    throughput = json.loads((tmp_path / 'out/logs/throughput.json').read_text())
    assert throughput['acceptance'] == dict(rejection=0.5, red=0.5, again=0.5, uncertainty=0.5)
    assert info['checksums'].keys() >= {'rejection.classifier', 'again.classifier'}


def test_a_score_that_is_no_number_is_an_error(plan, monkeypatch):
    monkeypatch.setattr(RedFilter, 'scores', lambda self, batch: torch.full((len(batch.images),), float('nan')))
    with pytest.raises(InputError, match='the filter red returned a score that is not finite for class 1'):
        build_maker(plan, 'cpu').make(1, 0)
