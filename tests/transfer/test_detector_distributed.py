"""A detector on two processes without a GPU."""

import json

from conftest import run_processes, run_tool

from mmbdg.compat.checkpoint import read_checkpoint

CONFIG = 'configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py'
OPTIONS = (
    '--cfg-options', 'pretrained=None', 'iterations=3', 'train_cfg.val_interval=3', 'train_dataloader.batch_size=1',
    'train_dataloader.dataset.size=(64,64)', 'train_dataloader.dataset.garments=1', 'model.test_cfg.rcnn.score_thr=0.0',
    'custom_hooks.0.iterations=2', 'default_hooks.logger.interval=1',
)  # fmt: skip


def measured(prefix, *parts):
    """Options to test three scenes in batches of 1 and keep the predictions."""
    settings = ('{}_dataloader.dataset.count=3', '{}_dataloader.batch_size=1', f'{{}}_evaluator.outfile_prefix={prefix}')
    return [setting.format(part) for part in parts for setting in settings]


def test_two_processes_agree_and_measure_every_scene_once(tmp_path):
    """Two processes have equal weights at the end, and an odd number of scenes gives the predictions of one process."""
    output = run_processes(
        2, 'tools/train.py', CONFIG, '--launcher', 'pytorch', '--work-dir', tmp_path, *OPTIONS,
        *measured(tmp_path / 'together', 'val', 'test'),
    )  # fmt: skip
    assert 'statistics of 36 batch norms' in output and 'equal on all 2 processes' in output
    assert len(read_checkpoint(tmp_path / 'iter_3.pth')['random_states']) == 2
    options = [*OPTIONS, *measured(tmp_path / 'alone', 'val', 'test')]
    run_tool('tools/test.py', CONFIG, tmp_path / 'iter_3.pth', '--work-dir', tmp_path / 'work', *options, OMP_NUM_THREADS='1')
    together, alone = (json.loads((tmp_path / f'{name}.segm.json').read_text()) for name in ('together', 'alone'))
    assert together == alone and {found['image_id'] for found in alone} == {0, 1, 2}
