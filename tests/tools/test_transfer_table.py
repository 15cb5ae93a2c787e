import importlib.util

from conftest import ROOT


def test_mean_and_spread():
    spec = importlib.util.spec_from_file_location('transfer_table', ROOT / 'tools' / 'transfer_table.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    row = 'DenseCL'
    text = module.as_markdown({row: {'0.01': [1.0, 2.0, 3.0], '0.1': [5.0], '1.0': [4.0, 4.0]}})
    assert text.splitlines()[-1] == '| DenseCL | nothing | 2.0 ± 1.0 | 5.0 ± 0.0 | 4.0 ± 0.0 |'
    for config, _ in module.ROWS.values():
        assert config is None or (ROOT / config).is_file()
    assert (ROOT / module.TRANSFER).is_file()
