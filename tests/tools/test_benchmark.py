"""tools/benchmark.py on tiny generators: how its figures are computed, not their size."""

import json
import sys
from importlib import import_module
from statistics import median, quantiles

import pytest
import torch
from conftest import ROOT, TINY_GENERATOR, TINY_VQGAN, run_tool

from mmbdg.errors import InputError
from mmbdg.generators import BigGAN

VQGAN = dict(TINY_VQGAN, resolution=16, attn_resolutions=())  # 4 x 4 tokens
BIGGAN = dict(TINY_GENERATOR, init_cfg=dict(type='Pretrained', checkpoint='weights/none.safetensors'))


sys.path.append(str(ROOT / 'tools'))
tool, benchmark = import_module('benchmark'), import_module('benchmarks.generator')


def write_config(folder, text):
    path = folder / 'config.py'
    path.write_text(text)
    return str(path)


@pytest.fixture(autouse=True)
def _one_thread():
    """Use one thread: tiny networks are slower on several threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def measure(monkeypatch, *command):
    """Run the command in this process, without the processes that measure memory."""
    monkeypatch.setattr(sys, 'argv', ['benchmark.py', 'generator', *map(str, command)])
    monkeypatch.setattr(benchmark, 'memory', lambda *args: 'not measured')
    tool.main()


def check_ratios(comparisons):
    for record in comparisons:
        first, second = (record['seconds'][record[name]] for name in ('first', 'second'))
        assert len(first) == len(second) >= 10
        ratios = [a / b for a, b in zip(first, second, strict=True)]
        quarters = quantiles(ratios, n=4, method='inclusive')
        assert record['times_as_fast'] == pytest.approx(median(ratios))
        assert record['quartiles'] == pytest.approx([quarters[0], quarters[2]])


def test_biggan(tmp_path):
    config, out = write_config(tmp_path, f'model = dict(generator={BIGGAN})'), tmp_path / 'figures' / 'speed.json'
    printed = run_tool(
        'tools/benchmark.py', 'generator', config, '--random-weights', '--batch-sizes', '2', '--precision', 'bfloat16', '--threads', '1',
        '--compare', 'taps', 'fold', 'channels-last', 'precision', '--out', out,
    ).stdout  # fmt: skip
    result = json.loads(out.read_text())
    machine = result['environment']
    assert machine['torch'] == torch.__version__ and machine['device'] == 'cpu' and machine['threads'] == 1 and not machine['compile']
    assert machine['precisions'] == ['bfloat16'] and {'date', 'cpu', 'cores', 'load_before', 'load_after'} <= set(machine)
    assert result['generator']['type'] == 'BigGAN' and result['generator']['weights'] == 'random'

    comparisons = result['comparisons']
    assert [(record['first'], record['second']) for record in comparisons] == [
        ('with taps', 'bare'), ('unfolded', 'folded'), ('contiguous', 'channels last'), ('float32', 'bfloat16'),
    ]  # fmt: skip
    check_ratios(comparisons)
    (row,) = result['batches']
    assert row['seconds'] == comparisons[0]['seconds']
    for name, rate in row['images_per_second'].items():
        assert rate == pytest.approx(2 / median(row['seconds'][name]))
    assert result['best'] == dict(bfloat16=dict(batch_size=2, images_per_second=row['images_per_second']['bare']))
    if sys.platform.startswith('linux'):
        for figures in row['memory'].values():
            added = figures['with_weights_mib'] - figures['beyond_weights_mib']
            assert figures['beyond_weights_mib'] > 0 and added == pytest.approx(result['generator']['weights_mib'], abs=0.02)
    assert '10/10' not in printed and '40/40' in printed  # the progress bar: four comparisons of ten pairs
    tables = [line for line in printed.splitlines() if line.startswith('| ')]
    assert len(tables) == 3 + 6 and len({len(line) for line in tables[:3]}) == len({len(line) for line in tables[3:]}) == 1


def test_cache_of_vqgan(tmp_path, monkeypatch, capsys):
    config, out = write_config(tmp_path, f'generator = {VQGAN}'), tmp_path / 'speed.json'
    measure(monkeypatch, config, '--random-weights', '--batch-sizes', 1, 3, '--pairs', 11, '--compare', 'cache', '--out', out)
    result = json.loads(out.read_text())
    assert result['generator']['tokens'] == 16 and '16 tokens an image' in capsys.readouterr().out
    assert [record['batch_size'] for record in result['comparisons']] == [1, 3]
    assert {(record['first'], record['second']) for record in result['comparisons']} == {('without cache', 'with cache')}
    assert all(len(seconds) == 11 for record in result['comparisons'] for seconds in record['seconds'].values())
    check_ratios(result['comparisons'])
    rates = {row['batch_size']: row['images_per_second'] for row in result['batches']}
    assert all(set(rate) == {'bare'} for rate in rates.values())
    best = max(rates, key=lambda batch_size: rates[batch_size]['bare'])
    assert result['best']['float32']['batch_size'] == best


def test_variants_make_the_same_images(tmp_path):
    compare = ['taps', 'fold', 'channels-last', 'coarse']
    args = benchmark.argparse.Namespace(compare=compare, until='blocks.0.1', precision=['float32'], compile=False)
    generator = benchmark.build_generator(TINY_GENERATOR)
    generator.init_weights()
    networks = benchmark.Networks(generator, TINY_GENERATOR, args, torch.device('cpu'))
    taps, fold, layout, coarse = networks.comparisons('float32', 2)
    bare = fold.calls[1]()
    image, features = taps.calls[0]()
    assert len(features) == len(generator.feature_info)
    assert torch.equal(image, bare) and torch.equal(fold.calls[0](), bare)
    assert torch.equal(coarse.calls[0](), bare) and torch.equal(coarse.calls[1]().feature, features[1])
    assert torch.allclose(layout.calls[0](), bare, atol=1e-5)
    assert any('parametrizations' in name for name, _ in networks.unfolded.named_parameters())
    assert networks.contiguous.blocks[0][0].conv1.weight.is_contiguous()
    assert not networks.generator.blocks[0][0].conv1.weight.is_contiguous()


def test_batch_that_does_not_fit(tmp_path, monkeypatch, capsys):
    config, out, generate = write_config(tmp_path, f'generator = {BIGGAN}'), tmp_path / 'speed.json', BigGAN.generate

    def crowded(self, z, y, features=None):
        if len(z) == 2 and features is not None:
            raise torch.OutOfMemoryError('CUDA out of memory')
        return generate(self, z, y, features)

    monkeypatch.setattr(BigGAN, 'generate', crowded)
    measure(monkeypatch, config, '--random-weights', '--batch-sizes', 1, 2, 3, '--out', out)
    result = json.loads(out.read_text())
    assert result['batches'][1] == dict(precision='float32', batch_size=2, skipped='out of memory on the device')
    assert [record['batch_size'] for record in result['comparisons']] == [1, 3]
    assert result['best']['float32']['batch_size'] in (1, 3)
    assert 'out of memory on the device' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--pairs', 9], 'at least 10 pairs, got 9'),
        (['--compare', 'cache'], 'the generator is a BigGAN'),
        (['--compare', 'coarse'], 'belong together: give both or none'),
        (['--compare', 'coarse', '--until', 'blocks.9.0'], 'has no block "blocks.9.0"'),
        (['--compare', 'precision'], 'give another --precision'),
        (['--compare', 'fold', '--cfg-options', 'generator.spectral_norm=False'], 'no spectral norms to fold'),
        (['--batch-sizes', 0], '--batch-sizes must be at least 1, got 0'),
        (['--threads', 0], '--threads must be at least 1, got 0'),
        (['--device', 'abacus'], "got 'abacus'"),
        (['--device', 'cuda:99'], 'there is no device cuda:99'),
        (['--out', 'speed.txt'], 'must be a file that ends in .json'),
        (['--cfg-options', 'generator.resolution=17'], 'cannot be built: .*17 px'),
        (['--cfg-options', 'generator.width=3'], 'there is no "width" in generator'),
        (['--cfg-options', 'generator.type=mmbdg.FeatureInterpreter'], 'mmbdg.FeatureInterpreter takes no "base_channels"'),
    ],
)
def test_plain_errors(tmp_path, monkeypatch, options, message):
    config = write_config(tmp_path, f'generator = {BIGGAN}')
    with pytest.raises(InputError, match=message):
        measure(monkeypatch, config, '--random-weights', *options)


def test_missing_weights(tmp_path, monkeypatch):
    requires = "requires = {'weights/none.safetensors': 'draw them'}"
    for text, message in (
        (f'generator = {BIGGAN}\n{requires}', 'none.safetensors\n +draw them'),
        (f'generator = {BIGGAN}', 'there is no checkpoint at weights/none.safetensors'),
        (f'generator = {TINY_GENERATOR}', 'no weights .*--random-weights'),
        ('model = dict()', 'has no generator=dict'),
    ):
        with pytest.raises(InputError, match=message):
            measure(monkeypatch, write_config(tmp_path, text))
    with pytest.raises(InputError, match='there is no config at'):
        measure(monkeypatch, tmp_path / 'none.py')
