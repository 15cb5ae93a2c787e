"""tools/study.py on a shortened real study."""

import json

from conftest import ROOT, run_tool
from mmengine.config import Config

from mmbdg.compat.checkpoint import read_state_dict


def test_a_cell(tmp_path):
    """A pre-training, its backbone and its transfer run. A second run does nothing. Another study in the folder is an error."""
    command = ['tools/study.py', 'configs/studies/ablation.py', tmp_path / 'out', '--rows', 'DenseCL', '--columns', '0.01', '--seeds', '0']
    command += ['--cfg-options', 'pretrain_options.iterations=1', 'transfer_options.iterations=2']
    run_tool(*command)
    (pretrain,), (extract,), (transfer,) = (
        list((tmp_path / 'out/steps').glob(f'{name}-*')) for name in ('pretrain', 'extract', 'transfer')
    )
    backbone = extract / 'out/backbone.safetensors'
    cfg = Config.fromfile(next((transfer / 'out').glob('*.py')))
    assert cfg.model.backbone.init_cfg.checkpoint == str(backbone)
    assert cfg.train_dataloader.dataset.label_fraction == 0.01 and cfg.train_cfg.max_iters == 2
    checkpoint = read_state_dict(pretrain / 'out/iter_1.pth')
    assert read_state_dict(backbone).keys() == {key.removeprefix('backbone.') for key in checkpoint if key.startswith('backbone.')}
    assert not list((transfer / 'out').glob('*.pth'))
    (run,) = json.loads((tmp_path / 'out/ablation.json').read_text())['runs']
    assert [step['step'] for step in run['steps']] == ['pretrain', 'extract', 'transfer'] and run['validations'][-1]['step'] == 2
    assert f'mIoU: {run["figures"]["mIoU"]:.2f}' in (transfer / 'log.txt').read_text()
    assert 'nothing is missing' in run_tool(*command, '--dry-run').stdout
    other = run_tool('tools/study.py', 'configs/studies/frozen_fpn.py', tmp_path / 'out', check=False)
    assert other.returncode == 2 and 'belongs to the study "ablation", and this one is "frozen_fpn"' in other.stdout


def test_segmentation_alone_is_the_joint_training_without_the_contrastive_branch():
    alone, joint = (Config.fromfile(ROOT / 'configs' / name) for name in ('baselines/segmentation_fashion.py', 'densecl_biggan_fpn.py'))
    assert alone.train_dataloader.dataset == joint.train_dataloader.dataset.seg
    assert alone.model.neck == joint.model.seg_neck and alone.model.decode_head == joint.model.seg_head
    assert alone.model.data_preprocessor == joint.model.data_preprocessor.seg
    assert {**joint.model.backbone, 'out_indices': (0, 1, 2, 3)} == alone.model.backbone
    assert alone.train_dataloader.batch_size == joint.train_dataloader.batch_size
    for part in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'val_dataloader'):
        assert alone[part] == joint[part]
