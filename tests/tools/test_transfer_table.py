import json
import sys
from argparse import Namespace
from importlib import import_module

import pytest
from conftest import ROOT, run_tool
from mmengine.config import Config

from mmbdg.compat.checkpoint import read_state_dict
from mmbdg.engine.launch import load_config
from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool = import_module('transfer_table')


def test_mean_and_spread():
    rows = {key: tool.TABLES['main'].rows[key] for key in ('DenseCL', 'joint')}
    figures = {'0.01': [1.0, 2.0, 3.0], '0.1': [5.0], '1.0': [4.0, None, 6.0]}
    lines = tool.as_markdown(rows, dict(DenseCL=figures, joint=dict.fromkeys(figures, [None]))).splitlines()
    assert lines[0] == '| backbone | labels and masks it consumed | 1% of labels | 10% of labels | 100% of labels |'
    assert lines[2] == '| DenseCL | nothing | 2.0 ± 1.0 | 5.0 | 5.0 ± 1.4 |'
    assert lines[3].endswith('| - | - | - |')
    rows = {key: tool.TABLES['ablation'].rows[key] for key in ('random', 'joint_fgbg')}
    lines = tool.as_markdown(rows, dict.fromkeys(rows, figures)).splitlines()
    assert lines[2].startswith('| random | nothing | 2.0')
    assert lines[3].split(' | ')[1] == '`configs/densecl_biggan_fpn.py --cfg-options label_space=fgbg`'


@pytest.mark.parametrize(
    'figures, document',
    [('linear_r18_frozen', 'README.md'), ('fpn_r18_frozen', 'README.md'), ('ablation', 'docs/ablation.md')],
)
def test_published_tables_are_those_of_their_figures(figures, document):
    written = json.loads((ROOT / f'docs/transfer/{figures}.json').read_text())
    rows = tool.TABLES['ablation' if figures == 'ablation' else 'main'].rows
    assert written['mIoU'].keys() == rows.keys() and written['pretraining'] == {key: row.recipe for key, row in rows.items()}
    lines = (ROOT / document).read_text().splitlines()
    for key, by_fraction in written['mIoU'].items():
        assert all(len(seeds) == 3 for seeds in by_fraction.values())
        cells = ' | '.join(map(tool.mean_and_spread, by_fraction.values()))
        assert any(line.startswith(f'| {rows[key].title} |') and f'| {cells} |' in line for line in lines), (key, cells)


@pytest.mark.parametrize('table', list(tool.TABLES))
def test_rows_reach_the_training(table, monkeypatch):
    """What a row changes arrives where it is used."""
    monkeypatch.chdir(ROOT)
    found = {}
    for key, row in tool.TABLES[table].rows.items():
        if row.config is None:
            continue
        options = dict(option.split('=') for option in row.options)
        options = {name: int(value) if value.isdigit() else value for name, value in options.items()} | dict(iterations=7)
        cfg = load_config(Namespace(config=row.config, cfg_options=options, work_dir=None, launcher='none', local_rank=0))
        data = cfg.train_dataloader.dataset
        head = cfg.model.get('seg_head', cfg.model.get('decode_head', {}))
        data = data.get('seg', data if key == 'segmentation' else {})
        found[key] = head.get('num_classes'), data.get('label_space'), data.get('prepare', {}).get('num_per_class')
        assert cfg.train_cfg.max_iters == 7
    if table == 'main':
        assert found == dict(DenseCL=(None,) * 3, classification=(None,) * 3, joint=(11, 'classes', 100))
    else:
        assert found == dict(
            DenseCL=(None,) * 3,
            joint=(11, 'classes', 100),
            joint_online=(11, 'classes', None),
            segmentation=(11, 'classes', 100),
            joint_fgbg=(2, 'fgbg', 100),
            joint_2x=(11, 'classes', 200),
            joint_4x=(11, 'classes', 400),
        )
    assert (ROOT / tool.TABLES[table].transfer).is_file()


def test_segmentation_alone_is_the_joint_training_without_the_contrastive_branch():
    alone, joint = (Config.fromfile(ROOT / 'configs' / name) for name in ('baselines/segmentation_fashion.py', 'densecl_biggan_fpn.py'))
    assert alone.train_dataloader.dataset == joint.train_dataloader.dataset.seg
    assert alone.model.neck == joint.model.seg_neck and alone.model.decode_head == joint.model.seg_head
    assert alone.model.data_preprocessor == joint.model.data_preprocessor.seg
    assert {**joint.model.backbone, 'out_indices': (0, 1, 2, 3)} == alone.model.backbone
    assert alone.train_dataloader.batch_size == joint.train_dataloader.batch_size
    for part in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'val_dataloader'):
        assert alone[part] == joint[part]


def test_unknown_row(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['transfer_table.py', str(tmp_path), '--rows', 'joint_2x'])
    with pytest.raises(InputError, match='the table main has no row joint_2x; it has random, DenseCL'):
        tool.main()


def test_a_cell(tmp_path, monkeypatch, capsys):
    """A pre-training and its transfer, then the same again, which has nothing left to do."""
    command = ['tools/transfer_table.py', tmp_path, '--table', 'ablation', '--rows', 'DenseCL', '--fractions', '0.01']
    command += ['--seeds', '1', '--iterations', '1', '--transfer-iterations', '2']
    first = run_tool(*command).stdout
    folder = tmp_path / 'DenseCL' / 'seed0' / 'iterations1'
    cell = folder / 'linear_r18_frozen_2' / 'labels0.01'
    backbone = folder / 'pretrain' / 'backbone.safetensors'
    cfg = Config.fromfile(next(cell.glob('*.py')))
    assert cfg.model.backbone.init_cfg.checkpoint == str(backbone)
    assert cfg.train_dataloader.dataset.label_fraction == 0.01 and cfg.train_cfg.max_iters == 2
    assert read_state_dict(backbone).keys() == {
        key.removeprefix('backbone.') for key in read_state_dict(folder / 'pretrain' / 'iter_1.pth') if key.startswith('backbone.')
    }
    assert not list(cell.glob('*.pth'))
    written = json.loads((tmp_path / 'ablation.json').read_text())
    assert written['pretraining'] == dict(DenseCL='configs/baselines/densecl_fashion.py')
    assert written['mIoU'] == dict(DenseCL={'0.01': [json.loads((cell / 'figures.json').read_text())['mIoU']]})
    assert f'mIoU: {written["mIoU"]["DenseCL"]["0.01"][0]:.2f}' in (cell / 'train.txt').read_text()
    assert (tmp_path / 'ablation.md').read_text() in first

    monkeypatch.setattr(sys, 'argv', list(map(str, command)))
    monkeypatch.setattr(import_module('forked_tools'), '_run', None)  # nothing is started
    tool.main()
    assert (tmp_path / 'ablation.md').read_text() in capsys.readouterr().out
