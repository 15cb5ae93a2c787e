"""Sizes and lengths of configs/own from resolution, number of images and budget."""

from itertools import product

import pytest

from mmbdg.own_images import BUDGETS, COLOURS, GENERATORS, RESOLUTIONS, layout, layouts


@pytest.fixture
def costs(monkeypatch):
    """Simple costs: a second measured at 64 px on a CPU, and 10 Gflop there, 40 at 128 px; 8,000 on a GPU."""
    steps = (*layouts.SHARES,)
    gflop = {str(r): dict.fromkeys(steps, g) for r, g in ((32, 5.0), (64, 10.0), (128, 40.0), (256, 160.0))}
    content = dict(
        gflop={'cpu-hour': gflop, 'gpu-hour': {'64': dict.fromkeys(steps, 8000.0), '32': dict.fromkeys(steps, 1.0)}},
        seconds={'cpu-hour': {'32': dict.fromkeys(steps, 0.3), '64': dict.fromkeys(steps, 1.0)}},
    )
    monkeypatch.setattr(layouts, 'costs', lambda: content)


def test_seconds(costs):
    assert layouts.seconds_of('gan', 64, 'cpu-hour') == (1.0, 'measured')
    assert layouts.seconds_of('gan', 128, 'cpu-hour') == (4.0, 'estimate')  # 40 / 10 Gflop times a second
    assert layouts.seconds_of('gan', 64, 'gpu-hour') == (2.0, 'estimate')  # 8,000 Gflop at 4,000 a second
    assert layouts.seconds_of('gan', 32, 'gpu-hour') == (0.05, 'estimate')  # the least


def test_iterations(costs):
    """3,600 s, of which 0.6 are the GAN's, of which 0.75 are iterations: 1,620, rounded down to two digits."""
    assert layouts.iterations_of('gan', 64, 'cpu-hour') == 1600
    assert layouts.iterations_of('gan', 128, 'cpu-hour') == 400  # 405
    assert layouts.iterations_of('gan', 64, 'cpu-hour', num_images=7) == 1000  # 5,000 passes of 7 images in batches of 32: 1,093
    assert layouts.iterations_of('classifier', 64, 'cpu-hour', num_images=1) == 270  # at least 300 by images; 270 by time
    assert layouts.iterations_of('interpreter', 32, 'gpu-hour') == 5000  # the most; time for 5,400
    assert not layouts.suits(64, 'cpu-hour') and layouts.suits(32, 'cpu-hour')  # 1,600 of 2,000; 5,400 of 1,000


def test_every_combination():
    """All settings have a layout, by the costs of the package; a larger budget never has a narrower network."""
    for resolution, colours, budget, kind in product(RESOLUTIONS, COLOURS, BUDGETS, GENERATORS):
        plan = layout(resolution, colours, None, budget, kind)
        assert {*plan['iterations']} == {*layouts.SHARES, 'lora'} and all(10 <= n <= 400_000 for n in plan['iterations'].values())
        assert len(plan['shapes']['generator']) == len(plan['shapes']['discriminator']) == resolution.bit_length() - 2
        assert plan['grey'] == (colours == 'grey') and plan['diffusion'] == (kind != 'biggan')
    for resolution in RESOLUTIONS:
        widths = [layout(resolution, budget=budget)['widths'] for budget in BUDGETS]
        for key in ('gan', 'classifier', 'autoencoder', 'unet', 'members'):
            assert [w[key] for w in widths] == sorted(w[key] for w in widths)


def test_what_was_measured():
    """The package's costs have all numbers, and measured seconds where the documentation says so."""
    costs = layouts.costs()
    assert {*costs['gflop']} == {*BUDGETS} and {*costs['seconds']['cpu-hour']} == {'32', '64'}
    for of_budget in costs['gflop'].values():
        assert {*of_budget} == {*map(str, RESOLUTIONS)} and all({*steps} == {*layouts.SHARES} for steps in of_budget.values())
    assert [r for r in RESOLUTIONS if layouts.suits(r, 'cpu-hour')] == [32, 64]
    assert layouts.suits(256, 'gpu-day') and not layouts.suits(256, 'cpu-hour')


@pytest.mark.parametrize(('number', 'rounded'), [(9.9, 9), (10, 10), (99.9, 99), (129, 120), (1999, 1900), (54321.0, 54000)])
def test_two_digits(number, rounded):
    assert layouts._two_digits(number) == rounded
