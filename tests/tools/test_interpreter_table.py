import importlib.util

import pytest
from conftest import ROOT


@pytest.fixture(scope='module')
def tool():
    spec = importlib.util.spec_from_file_location('interpreter_table', ROOT / 'tools' / 'interpreter_table.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mean_and_spread(tool):
    seeds = [dict.fromkeys(tool.FIGURES, value) | dict(spearman=value / 10) for value in (1.0, 2.0, 3.0)]
    seeds[1]['single_fgbg'] = None
    text = tool.as_markdown([dict(row='head', per_class=5, seeds=seeds)])
    assert text.splitlines()[-1] == '| head | 5 | 2.0 ± 1.0 | - | ' + '2.0 ± 1.0 | ' * 4 + '0.20 ± 0.10 |'
    assert all((ROOT / tool.CONFIGS / config).is_file() for config, _ in tool.ROWS.values())


def test_figure(tool, tmp_path):
    seeds = [dict.fromkeys(('mIoU_fgbg', 'single_fgbg', 'mIoU_classes', 'single_classes'), value) for value in (90.0, 91.0)]
    tool.draw(tmp_path / 'curve.png', [dict(row=row, per_class=n, seeds=seeds) for row in ('head', 'MLP') for n in (1, 5)])
    assert (tmp_path / 'curve.png').stat().st_size > 5000
