import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import plan_of

from mmbdg.errors import InputError
from mmbdg.sources import LabelledGenerator
from mmbdg.storage import StoredDataset
from mmbdg.synthesis import synthesize
from mmbdg.synthesis.estimate import size_text
from mmbdg.synthesis.loading import build_maker
from mmbdg.synthesis.pipeline import is_complete


@pytest.fixture
def plan(tiny_labelled_generator):
    return plan_of(str(tiny_labelled_generator), num_per_class=6, classes=[1], candidates=4, batch_size=4, uncertainty_rate=0)


@pytest.fixture
def ratios(tiny_labelled_generator):
    """Foreground ratios of the first samples of class 1."""
    masks = LabelledGenerator.load(tiny_labelled_generator).label([1] * 64, range(64)).masks
    return (masks > 0).float().mean((1, 2)).numpy()


def said_by(plan, out):
    said = []
    synthesize(plan, out, log=said.append)
    return said


def test_further_blocks_make_up_for_what_a_bound_drops(plan, ratios, tmp_path):
    """Additional blocks replace dropped samples: the dataset has the first six samples that meet the bound."""
    bound = float(np.median(ratios))
    plan = plan.changed(min_foreground=bound)
    stored = StoredDataset(synthesize(plan, tmp_path / 'out', log=lambda line: None))
    passing = np.flatnonzero(ratios >= bound)
    assert [int(line['id']) for line in stored.lines] == passing[:6].tolist()
    tried = int(passing[5]) // 4 + 1
    outcome = stored.info['filters']['square']
    assert tried > plan.blocks and outcome['candidates'] == outcome['after_uncertainty'] == 4 * tried
    assert outcome['kept'] == (ratios[: 4 * tried] >= bound).sum()
    assert is_complete(plan, stored.root)
    (stored.root / 'masks/square' / f'{stored.lines[-1]["id"]}.png').unlink()  # from an additional block
    synthesize(plan, stored.root, log=lambda line: None)
    assert stored.mask(stored.lines[-1]).shape == (16, 16)


def test_growing_is_the_same_as_asking_at_once(plan, ratios, tmp_path):
    plan = plan.changed(min_foreground=float(np.median(ratios)), num_per_class=11)
    whole = synthesize(plan, tmp_path / 'whole', log=lambda line: None)
    for number in (2, 6, 11):
        synthesize(plan.changed(num_per_class=number), tmp_path / 'grown', log=lambda line: None)
    for path in whole.rglob('*'):
        if path.is_file() and 'logs' not in path.parts:
            assert (tmp_path / 'grown' / path.relative_to(whole)).read_bytes() == path.read_bytes(), path


def test_a_class_that_falls_short_is_reported(plan, ratios, tmp_path):
    """A class with too few samples is reported and counts as complete. Dropped samples are not used to fill it up."""
    bound = float(np.sort(ratios)[-2])
    plan = plan.changed(min_foreground=bound, max_candidates=30)
    said = said_by(plan, tmp_path / 'out')
    stored = StoredDataset(tmp_path / 'out')
    expected = np.flatnonzero(ratios[:28] >= bound)  # 7 blocks of 4
    assert [int(line['id']) for line in stored.lines] == expected.tolist() and len(expected) < 6
    assert any(f'square: {len(expected)} of 6 samples; 28 candidates' in line and 'max_candidates' in line for line in said)
    assert json.loads((tmp_path / 'out/logs/throughput.json').read_text())['fell_short']
    assert is_complete(plan, tmp_path / 'out') and not is_complete(plan.changed(max_candidates=40), tmp_path / 'out')


def test_part_of_a_block_is_not_complete(plan, tmp_path):
    """A dataset is not complete if all candidates of a block were tried but the block can give another sample."""
    small = plan.changed(num_per_class=3)
    synthesize(small, tmp_path / 'out', log=lambda line: None)
    assert all(is_complete(replace(small, classes=classes), tmp_path / 'out') for classes in ([1], ['square']))
    for more in (dict(num_per_class=4), dict(classes=['square', 'ring']), dict(classes=None), dict(classes=['nothing'])):
        assert not is_complete(replace(small, **more), tmp_path / 'out')


def test_nothing_passes(plan, tmp_path):
    plan = plan.changed(min_foreground=0.1234, max_foreground=0.1234, max_candidates=8, format='shards')
    said = said_by(plan, tmp_path / 'out')
    stored = StoredDataset(tmp_path / 'out')
    assert len(stored.lines) == 0 and stored.info['counts'] == dict(square=0)
    assert any('square: 0 of 6 samples' in line for line in said) and not list(stored.root.rglob('*.tar'))


def test_min_confidence(plan, tiny_classifier, tmp_path):
    plan = plan.changed(classifier=tiny_classifier, rejection_rate=0.25, num_per_class=6)
    scores = [line['classifier_score'] for line in StoredDataset(synthesize(plan, tmp_path / 'all', log=lambda line: None)).lines]
    bound = float(np.median(scores))
    stored = StoredDataset(synthesize(plan.changed(min_confidence=bound), tmp_path / 'out', log=lambda line: None))
    assert len(stored.lines) == 6 and min(line['classifier_score'] for line in stored.lines) >= bound - 1e-6
    outcome = stored.info['filters']['square']
    assert outcome['after_rejection'] < 3 * outcome['candidates'] // 4
    plan = plan.changed(min_confidence=bound, uncertainty_rate=0.5)  # of those that remain
    outcomes = [build_maker(plan, 'cpu').make(1, block).outcome for block in range(6)]
    assert 2 in [outcome['after_rejection'] for outcome in outcomes]
    assert all(outcome['after_uncertainty'] == (outcome['after_rejection'] + 1) // 2 for outcome in outcomes)


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(min_foreground=0.9, max_foreground=0.1), 'above max_foreground'),
        (dict(min_confidence=0.5), 'needs synthesis.classifier'),
        (dict(max_foreground=2), r'max_foreground\) must be in \[0, 1\]'),
        (dict(format='zip'), 'folder, shards'),
        (dict(image='gif'), 'png, jpeg'),
        (dict(resolution=0), 'resolution must be at least 1'),
        (dict(jpeg_quality=0), r'1\.\.100'),
    ],
)
def test_plans_that_make_no_sense(wrong, message):
    with pytest.raises(InputError, match=message):
        plan_of('x', **wrong)


@pytest.mark.parametrize(
    'wrong, message',
    [
        (dict(threads=100_000), 'synthesis.threads is at most 1,024, got 100,000'),
        (dict(threads=0), 'threads must be at least 1'),
        (dict(num_per_class=10**9), 'num_per_class is at most 100,000,000, got 1,000,000,000'),
        (dict(num_per_class=10**8, uncertainty_rate=0.5), 'needs 200,000,000 candidates per class; the limit is 100,000,000'),
        (dict(candidates=10**7), 'candidates is at most 1,000,000'),
        (dict(batch_size=10**7), 'batch_size is at most 100,000'),
        (dict(resolution=10**5), 'resolution is at most 8,192'),
        (dict(max_candidates=10**12, min_foreground=0.1), 'max_candidates is at most 100,000,000'),
        (dict(truncation=1e-9), 'truncation'),
        (dict(num_per_class='5'), r'synthesis is not as it should be: num_per_class: .*integer'),
        (dict(num_per_class=5.0), r'synthesis is not as it should be: num_per_class: .*integer'),
        (dict(num_per_class=None), r'synthesis is not as it should be: num_per_class: .*integer'),
        (dict(seed='x'), r'synthesis is not as it should be: seed: .*integer'),
        (dict(rejection_rate='high', classifier=dict(type='timm')), r'synthesis.filters.0 is not as it should be: rate: .*number'),
        (dict(min_foreground=float('nan')), r'synthesis.filters.1 is not as it should be: min: .*finite'),
        (dict(compile='yes'), r'synthesis.source is not as it should be: compile: .*boolean'),
        (dict(classifier='resnet'), r'synthesis.filters.0 is not as it should be: classifier: '),
        (dict(classes=3), r'synthesis is not as it should be: classes'),
        (dict(classes=[]), 'synthesis.classes is empty'),
        (dict(labelled_generator=7), r'synthesis.source is not as it should be: labelled_generator: .*string'),
    ],
)
def test_values_of_a_wrong_type_or_beyond_all_machines(wrong, message):
    with pytest.raises(InputError, match=message):
        plan_of(**dict(labelled_generator='x') | wrong)


@pytest.mark.parametrize('further', [{}, dict(min_foreground=0.1)])
def test_the_largest_plan_is_reckoned_at_once(plan, tmp_path, further):
    """A dry run of the largest plan is fast, because it does not list the blocks."""
    said = []
    plan = plan.changed(num_per_class=10**7, classes=None, candidates=4, **further)
    synthesize(plan, tmp_path / 'out', log=said.append, dry_run=True)
    assert said[0].startswith('30,000,000 samples of 30,000,000 candidates in 7,500,000 blocks')


@pytest.mark.parametrize(
    'number, text', [(0, '0 bytes'), (999, '999 bytes'), (999.6, '1 kB'), (38_210, '38.2 kB'), (4e6, '4 MB'), (1.5e12, '1.5 TB')]
)
def test_sizes_for_people(number, text):
    """Small sizes are shown in a suitable unit, not as "0.00 GB"."""
    assert size_text(number) == text
