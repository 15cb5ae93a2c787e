"""docs/own_images.md: its tables are those of the code."""

import re

import pytest
from conftest import ROOT

from mmbdg.own_images import BUDGETS, RESOLUTIONS, THRESHOLDS, layouts
from mmbdg.own_images.folder import FAULTS

PAGE = (ROOT / 'docs/own_images.md').read_text()
SHOWN = ('classifier', 'gan', 'autoencoder', 'diffusion', 'interpreter', 'joint', 'transfer')


def layout_rows() -> list[str]:
    """Rows of the table of layouts: budget, resolution, widths, iterations of each step, and whether it suits the GAN."""
    rows = []
    for budget in BUDGETS:
        for resolution in RESOLUTIONS:
            widths = layouts.layout(resolution, budget=budget)['widths']
            sizes = ' / '.join(str(widths[key]) for key in ('classifier', 'gan', 'unet'))
            lengths = [f'{layouts.iterations_of(step, resolution, budget):,}' for step in SHOWN]
            source = layouts.seconds_of('gan', resolution, budget).source
            suits = 'yes' if layouts.suits(resolution, budget) else 'no'
            rows.append(f'| {budget} | {resolution} | {sizes} | {" | ".join(lengths)} | {source} | {suits} |')
    return rows


def test_the_table_of_layouts():
    """To write it again: print(*layout_rows(), sep='\\n')."""
    assert [line for line in PAGE.splitlines() if re.match(r'\| (cpu|gpu)-', line)] == layout_rows()


@pytest.mark.parametrize('step', sorted(THRESHOLDS))
def test_the_table_of_thresholds(step):
    threshold = THRESHOLDS[step]
    poor = '' if threshold.poor is None else f'{threshold.poor:g}'
    assert f'| {step} | `{threshold.metric}` | {threshold.enough:g} | {poor} |' in PAGE


def test_every_fault_is_explained():
    assert not [name for name in (*FAULTS, 'small') if f'| {name} |' not in PAGE]
