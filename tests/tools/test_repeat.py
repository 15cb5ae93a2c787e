import json
import os
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, run_tool
from PIL import Image

from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool, measured, paper_tables = import_module('repeat'), import_module('measured'), import_module('paper_tables')
VOC = 'fcn_r50-d8_20k_voc12aug'


def log(folder, *lines):
    (folder / 'vis_data').mkdir(parents=True)
    (folder / 'vis_data' / 'scalars.json').write_text('\n'.join(map(json.dumps, lines)) + '\n')


def test_validations_of_an_interrupted_training(tmp_path):
    """Training lines are none, and what was measured again after going on counts."""
    log(tmp_path / '20260101_000000', dict(loss=3.0, step=10), dict(mIoU=1.0, step=10), dict(mIoU=2.0, step=20))
    log(tmp_path / '20260101_000100', dict(mIoU=2.5, step=20), dict(loss=1.0, step=30), dict(mIoU=3.0, step=30))
    assert measured.validations(tmp_path) == [dict(mIoU=1.0, step=10), dict(mIoU=2.5, step=20), dict(mIoU=3.0, step=30)]


def test_mean_and_spread():
    values = [61.2, 64.9, 60.0]
    assert measured.mean_and_spread([*values, None]) == f'{np.mean(values):.1f} ± {np.std(values, ddof=1):.1f}'
    assert measured.mean_and_spread([5.04]) == '5.0' and measured.mean_and_spread([None]) == '-'


def test_the_grid():
    found = tool.cells(['pretrained=None,work_dirs/a b.pth', 'label_fraction=0.1,1'], None)
    assert [cell.title for cell in found][:2] == ['random init., label_fraction=0.1', 'random init., label_fraction=1']
    assert found[3].options == ('pretrained=work_dirs/a b.pth', 'label_fraction=1')
    assert found[3].folder == 'pretrained=work-dirs-a-b.pth_label-fraction=1'
    assert tool.cells([], None) == [('all', ())] and tool.cells([], ['DenseCL'])[0].folder == 'runs'
    for grid, titles, message in (
        (['pretrained'], None, 'KEY=VALUE'),
        (['a=1,2'], ['x'], '2 cells, --titles names 1'),
        (['a=x/y,x_y'], None, 'the same name: a=x-y'),
    ):
        with pytest.raises(InputError, match=message):
            tool.cells(grid, titles)


def runs(**rows):
    """Runs of mIoU by title, seed and iteration."""

    def validations(figures):
        return [dict(step=10 * i, mIoU=figure) for i, figure in enumerate(figures, 1)]

    return {tool.Cell(title, (f'p={title}',)): dict(enumerate(map(validations, seeds))) for title, seeds in rows.items()}


def test_beside_the_papers_figures():
    ours = runs(DenseCL=[[50.0, 68.0], [51.0, 70.0]], other=[[1.0]])
    lines = tool.as_markdown(ours, paper_tables.PAPER[VOC]).splitlines()
    assert lines[0] == '| pre-training | seeds | mIoU | paper | difference |'
    assert lines[2] == '| DenseCL | 2 | 69.0 ± 1.4 | 69.2 | -0.2 |'
    assert lines[3] == '| other | 1 | 1.0 | - | - |'
    assert 'Table 4' in lines[-1]
    latex = tool.as_latex(ours, paper_tables.PAPER[VOC]).splitlines()
    assert latex[0] == r'\begin{tabular}{lrrrr}' and latex[4] == r'DenseCL & 2 & 69.0 $\pm$ 1.4 & 69.2 & -0.2 \\'
    assert tool.as_markdown(ours, None).splitlines()[0] == '| pre-training | seeds | mIoU |'


def test_the_table_of_the_scenes_is_that_of_its_figures():
    rows = json.loads((ROOT / 'docs/transfer/scenes.json').read_text())['rows']
    found = {tool.Cell(row['title'], tuple(row['options'])): row['validations'] for row in rows}
    table = tool.as_markdown(found, None).split('\n\n')[0]
    assert len(table.splitlines()) == 5 and table in (ROOT / 'docs/transfer/scenes.md').read_text()


def test_fractions_become_percent():
    validation = {'step': 5, 'coco/bbox_mAP': 0.394, 'coco/segm_mAP': 0.35}
    head, rows = tool.table({tool.Cell('all', ()): {0: [validation]}}, None)
    assert head == ['pre-training', 'seeds', 'AP^bb', 'AP^mk'] and rows == [['all', '1', '39.4', '35.0']]
    assert 'pre-training & seeds & $AP^{bb}$ & $AP^{mk}$' in tool.as_latex({tool.Cell('a_b', ()): {0: [validation]}}, None)


def test_the_papers_tables_are_whole():
    for published in paper_tables.PAPER.values():
        assert all(len(row) == len(published.metrics) for row in published.rows.values())
        assert set(published.metrics) <= set(measured.HEADLINES)
    assert paper_tables.PAPER['fcn_r50_frozen_1pct'].rows['BigGAN-sim-FPN'] == (67.6,)


def test_the_band(tmp_path):
    """Over the iterations that all seeds have."""
    ours = runs(a=[[1.0, 4.0, 9.0], [3.0, 8.0]])
    seeds = ours[tool.Cell('a', ('p=a',))]
    steps, means, spreads = tool.curve(seeds, 'mIoU', 1)
    assert steps == [10, 20] and means == [2.0, 6.0]
    np.testing.assert_allclose(spreads, [np.std([1, 3], ddof=1), np.std([4, 8], ddof=1)])
    tool.draw(ours, None, tmp_path / 'a.png')
    with Image.open(tmp_path / 'a.png') as image:
        assert image.size == (600, 400) and len(image.getcolors(100_000)) > 10


def test_runs_and_what_is_missing(tmp_path, monkeypatch, capsys):
    """A real transfer; again, which leaves it alone; and again without its figures, as after an interruption."""
    command = ['tools/repeat.py', 'configs/transfer/fashion/fpn_r18_frozen.py', '--grid', 'pretrained=None', 'label_fraction=0.02']
    command += ['--seeded', 'label_seed', '--out', str(tmp_path / 'out'), '--cfg-options', 'iterations=1', 'custom_hooks=[]']
    run_tool(*command, '--seeds', '0')
    text = (tmp_path / 'out/fpn_r18_frozen.md').read_text()
    cell = tmp_path / 'out' / 'pretrained=None_label-fraction=0.02' / 'seed0'
    found = json.loads((cell / 'figures.json').read_text())
    assert [line['step'] for line in found['validations']] == [1] and found['seed'] == 0
    assert text.splitlines()[2] == f'| random init., label_fraction=0.02 | 1 | {found["validations"][0]["mIoU"]:.1f} |'
    assert 'label_seed = 0' in next(cell.glob('*.py')).read_text() and (tmp_path / 'out/fpn_r18_frozen.png').is_file()

    started = []
    monkeypatch.setattr(tool, 'work_off', lambda chains, jobs: [started.extend(chain) for chain in chains])
    monkeypatch.setattr(sys, 'argv', [*command, '--seeds', '0'])
    monkeypatch.chdir(ROOT)
    tool.main()
    assert not started and text in capsys.readouterr().out

    (cell / 'figures.json').unlink()
    tool.main()
    (step,) = started
    assert '--resume' in step.arguments and str(cell) in step.arguments  # its checkpoint is there, so it goes on
    (cell / 'figures.json').unlink()

    monkeypatch.setattr(sys, 'argv', [*command, 'model.decode_head.dropout_ratio=0.3', '--seeds', '0'])  # of a run that is not done
    with pytest.raises(InputError, match='has another options'):
        tool.main()


def test_by_torchrun(tmp_path, monkeypatch):
    """The arguments of a run of several processes."""
    forked_tools, called = import_module('forked_tools'), []
    monkeypatch.setattr(os, 'execv', lambda path, argv: called.append(argv) or (_ for _ in ()).throw(SystemExit))
    monkeypatch.setattr(os, 'dup2', lambda *_: None)
    with pytest.raises(SystemExit):
        forked_tools._run('train.py', ('c.py', '--cfg-options', 'a=1'), tmp_path / 'log', 4)
    (argv,) = called
    assert argv[1:5] == ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=4']
    assert argv[5:] == [str(Path(forked_tools.TOOLS) / 'train.py'), 'c.py', '--launcher', 'pytorch', '--cfg-options', 'a=1']


def test_a_config_without_a_validation(tmp_path):
    args = Namespace(out=tmp_path, config='c.py', cfg_options=None, seeded=[], processes=1)
    chain = tool.run(tool.Cell('all', ()), 0, args, {}, None)
    assert next(chain).arguments == ('c.py', '--work-dir', str(tmp_path / 'runs' / 'seed0'), '--cfg-options', 'randomness.seed=0')
    with pytest.raises(InputError, match='has it a validation'):
        next(chain)
