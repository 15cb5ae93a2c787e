"""tools/benchmark.py interpreter on tiny networks: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median, quantiles

import pytest
import torch
from conftest import ROOT, TINY_DCGAN, TINY_GENERATOR, TINY_INTERPRETER
from forked import call_forked

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, benchmark, labellers = (import_module(name) for name in ('benchmark', 'benchmarks.interpreter', 'benchmarks.labellers'))

HEAD = TINY_INTERPRETER['member']
ALL = ('published-order', 'mlp', 'ensemble', 'shared-trunk', 'light')


def write_config(folder, generator=TINY_GENERATOR, interpreter=TINY_INTERPRETER):
    path = folder / 'config.py'
    path.write_text(f'model = dict(generator={generator}, interpreter={interpreter})')
    return str(path)


@pytest.fixture(autouse=True)
def _one_thread():
    """Use one thread: tiny networks are slower on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def made_up_memory(self, name, precision, batch_size):
    """Fake memory figures, different for each labeller, in place of the processes that measure."""
    peak = float(len(name))
    return dict(bare=dict(beyond_weights_mib=1.0, with_weights_mib=2.0), labelled=dict(beyond_weights_mib=peak, with_weights_mib=peak + 5))


def measure(monkeypatch, *command):
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'interpreter', *map(str, command)])
    monkeypatch.setattr(benchmark.Labelling, 'memory', made_up_memory)
    tool.main()


def check_ratio(record, pairs):
    """The ratio is the median over pairs of the first time divided by the second."""
    first, second = (record['seconds'][record[name]] for name in ('first', 'second'))
    assert len(first) == len(second) == pairs
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    quarters = quantiles(ratios, n=4, method='inclusive')
    assert record['ratio'] == pytest.approx(median(ratios))
    assert record['quartiles'] == pytest.approx([quarters[0], quarters[2]])


def test_all_comparisons(tmp_path, monkeypatch, capsys):
    config, out = write_config(tmp_path), tmp_path / 'figures' / 'speed.json'
    measure(monkeypatch, config, '--random-weights', '--batch-sizes', 2, '--pairs', 11, '--threads', 1, '--compare', *ALL, '--out', out)
    result = json.loads(out.read_text())
    assert result['compare'] == list(ALL) and result['pairs'] == 11 and result['generator']['weights'] == 'random'
    assert {'date', 'torch', 'cpu', 'cores', 'threads', 'device', 'load_before', 'load_after', 'precisions'} <= set(result['environment'])
    interpreter = result['interpreter']
    assert interpreter['members'] == 3 and interpreter['light'] == dict(widths=[3, 2], stride=2) and interpreter['weights'] == 'random'

    rows = {row['first']: row for row in result['labellers']}
    assert list(rows) == [
        'one head', 'one head in the published order', 'one per-pixel MLP', 'ensemble of 3', 'ensemble of 3, 3 at once',
        'shared trunk, own outputs', 'shared trunk, own last mix blocks', 'one light head',
    ]  # fmt: skip
    for name, row in rows.items():
        assert row['second'] == 'bare generator' and (row['precision'], row['batch_size']) == ('float32', 2)
        check_ratio(row, 11)
        assert row['images_per_second'] == pytest.approx({way: 2 / median(seconds) for way, seconds in row['seconds'].items()})
        assert row['memory']['labelled']['beyond_weights_mib'] == len(name)
    assert rows['one head']['parameters'] == interpreter['parameters'] == rows['ensemble of 3']['parameters'] / 3

    given = 'on given features'
    compared = {(record['first'], record['second']): record for record in result['comparisons']}
    assert list(compared) == [
        ('one head', 'one head in the published order'),
        ('one head', 'one per-pixel MLP'),
        (f'ensemble of 3 {given}', f'3 heads {given}'),
        (f'ensemble of 3, 3 at once, {given}', f'ensemble of 3 in turn, {given}'),
        ('shared trunk, own outputs', 'ensemble of 3'),
        ('shared trunk, own last mix blocks', 'ensemble of 3'),
        ('one light head', 'one head'),
    ]
    for (first, second), record in compared.items():
        check_ratio(record, 11)
        expected = (
            None if given in first else dict(beyond_weights=len(first) / len(second), with_weights=(len(first) + 5) / (len(second) + 5))
        )
        assert record['memory_ratio'] == (expected and pytest.approx(expected))
    printed = capsys.readouterr().out
    tables = [line for line in printed.splitlines() if line.startswith('| ')]
    assert len(tables) == 2 + 8 + 2 + 7 and len({len(line) for line in tables[:10]}) == len({len(line) for line in tables[10:]}) == 1
    assert 'widths=[3, 2], stride=2' in printed and 'Medians over 11 interleaved pairs' in printed


def test_generator_alone_takes_the_published_head(tmp_path, monkeypatch, capsys):
    config, out = tmp_path / 'config.py', tmp_path / 'speed.json'
    config.write_text(f'generator = {TINY_GENERATOR}')
    options = ['--random-weights', '--threads', '1', '--memory-runs', '2', '--out', str(out)]
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'interpreter', str(config), *options])
    monkeypatch.setattr(benchmark, 'in_fresh_process', call_forked)
    tool.main()
    result = json.loads(out.read_text())
    assert result['interpreter'] | dict(parameters=0) == dict(
        head=dict(type='mmbdg.FeatureInterpreter'), weights='random', parameters=0, members=16, light={}
    )
    (row,) = result['labellers']
    check_ratio(row, 10)
    assert result['comparisons'] == [] and '10/10' in capsys.readouterr().err
    if sys.platform.startswith('linux'):
        bare, with_labels = (row['memory'][way] for way in ('bare', 'labelled'))
        assert 0 < bare['beyond_weights_mib'] <= with_labels['beyond_weights_mib']
        runs = row['memory']['runs_beyond_weights_mib']
        assert len(runs) == 2 and [median(run) for run in zip(*runs, strict=True)] == pytest.approx(
            [bare['beyond_weights_mib'], with_labels['beyond_weights_mib']], abs=0.01
        )
        head = (with_labels['with_weights_mib'] - with_labels['beyond_weights_mib']) - result['generator']['weights_mib']
        assert head == pytest.approx(4 * row['parameters'] / 2**20, abs=0.03)


def networks(compare, light=None, members=3):
    args = benchmark.argparse.Namespace(compare=compare, precision=['float32'], pairs=10)
    generator = benchmark.build_generator(TINY_GENERATOR)
    configs = labellers.labeller_configs(HEAD, members, compare, light or {})
    return benchmark.Labelling(generator, TINY_GENERATOR, configs, members, args, torch.device('cpu'))


def test_labellers_label_alike():
    """Compared labellers give the same labels for the same images."""
    net = networks(['published-order', 'ensemble'])
    for one, other in (('one head', 'one head in the published order'), ('ensemble of 3', 'ensemble of 3, 3 at once')):
        bare, with_labels = net.passes(one, 'float32', 2)
        images, labels, disagreement = with_labels()
        assert torch.equal(images, bare()) and labels.shape == disagreement.shape == (2, 16, 16)
        _, other_labels, other_disagreement = net.passes(other, 'float32', 2)[1]()
        assert (labels != other_labels).float().mean() < 0.01
        torch.testing.assert_close(disagreement, other_disagreement, atol=1e-5, rtol=0)


def test_members_and_light_head_are_as_asked_for(tmp_path, monkeypatch):
    config, out = write_config(tmp_path, TINY_DCGAN), tmp_path / 'speed.json'
    light = ['--light', 'widths=5,4', 'strip_rows=8', '--precision', 'bfloat16']
    measure(monkeypatch, config, '--random-weights', '--members', 2, '--compare', 'ensemble', 'light', *light, '--out', out)
    result = json.loads(out.read_text())
    assert result['interpreter']['members'] == 2 and result['interpreter']['light'] == dict(widths=[5, 4], strip_rows=8)
    names = [row['first'] for row in result['labellers']]
    assert {row['precision'] for row in [*result['labellers'], *result['comparisons']]} == {'bfloat16'}
    assert names == ['one head', 'ensemble of 2', 'ensemble of 2, 2 at once', 'one light head']


def test_labeller_that_does_not_fit(tmp_path, monkeypatch, capsys):
    def crowded(*given):
        raise torch.OutOfMemoryError('CUDA out of memory')

    monkeypatch.setattr('mmbdg.interpreter.PixelMLP.forward', crowded)
    out = tmp_path / 'speed.json'
    measure(monkeypatch, write_config(tmp_path), '--random-weights', '--compare', 'mlp', 'light', '--out', out)
    result = json.loads(out.read_text())
    assert [row.get('skipped') for row in result['labellers']] == [None, 'out of memory on the device', None]
    lacking, light = result['comparisons']
    assert lacking['skipped'] == 'out of memory on the device' and lacking['memory_ratio'] is None and 'skipped' not in light
    captured = capsys.readouterr()
    assert captured.out.count('out of memory on the device') == 2 and '50/50' in captured.err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--pairs', 9], 'at least 10 pairs, got 9'),
        (['--members', 0], '--members must be at least 1, got 0'),
        (['--members', 1, '--compare', 'ensemble'], 'needs at least two members, got 1'),
        (['--memory-runs', 0], '--memory-runs must be at least 1, got 0'),
        (['--light', 'stride=2'], 'give --compare light too'),
        (['--compare', 'light', '--light', 'stride=4'], 'one light head cannot be built: .*coarser than the one before'),
        (['--compare', 'light', '--light', 'depth=2'], "one light head cannot be built: .*'depth'"),
        (['--batch-sizes', 0], '--batch-sizes must be at least 1, got 0'),
        (['--device', 'abacus'], "got 'abacus'"),
        (['--cfg-options', 'model.interpreter.member.widths=(8,)'], 'one head cannot be built: .*2 groups need as many widths'),
        (['--cfg-options', 'model.interpreter=dict'], 'is no ensemble: '),
        (
            ['--compare', 'shared-trunk', '--cfg-options', 'model.interpreter.member.groups=(16,)'],
            'last mix blocks cannot be built: .*needs a mix block',
        ),
    ],
)
def test_plain_errors(tmp_path, monkeypatch, options, message):
    with pytest.raises(InputError, match=message):
        measure(monkeypatch, write_config(tmp_path), '--random-weights', *options)


def test_other_heads_have_no_order(tmp_path, monkeypatch):
    config = write_config(tmp_path, interpreter=dict(TINY_INTERPRETER, member=dict(type='mmbdg.PixelMLP')))
    with pytest.raises(InputError, match='--compare light is for a FeatureInterpreter; the head of this config is a PixelMLP'):
        measure(monkeypatch, config, '--random-weights', '--compare', 'light')


def test_missing_weights(tmp_path, monkeypatch):
    with pytest.raises(InputError, match='no weights .*--random-weights'):
        measure(monkeypatch, write_config(tmp_path))


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
def test_our_order_takes_less_memory():
    """Reducing coarse features before resizing needs less memory than the published order at 256 px."""
    generator = dict(TINY_GENERATOR, resolution=256, channel_multipliers=(8, 8, 8, 8, 4, 2, 1), latent_dim=14)
    configs = labellers.labeller_configs(dict(HEAD, groups=(16, 256)), 1, ['published-order'], {})
    peaks = {name: call_forked(benchmark.cpu_memory, generator, config, 'float32', 1, 1) for name, config in configs.items()}
    assert peaks['one head'][1] < 0.8 * peaks['one head in the published order'][1], peaks
