"""Export of a trained model as a folder: the older export is replaced, and what killed trainings left is removed."""

import logging
from types import SimpleNamespace

import torch

from mmbdg.engine.hooks.diffusion_hooks import ExportPretrainedHook


class Model(torch.nn.Linear):
    def save_pretrained(self, folder):
        (folder / 'weight.txt').write_text(f'{self.weight.item()}')


def test_folder_is_replaced(tmp_path):
    model = Model(1, 1)
    for name, value in (('first', 1.0), ('second', 2.0)):
        torch.save(dict(state_dict=dict(weight=torch.full((1, 1), value), bias=torch.zeros(1))), tmp_path / f'{name}.pth')
    runner = SimpleNamespace(model=model, work_dir=str(tmp_path), logger=logging.getLogger('test'), rank=0)
    for left in ('pipeline.new', 'pipeline.new.123.part', 'pipeline.new.45-host.part'):
        (tmp_path / left).mkdir()
        (tmp_path / left / 'weight.txt').write_text('cut')
    (tmp_path / 'pipelines.new.1.part').mkdir()  # of another name
    hook = ExportPretrainedHook('pipeline')
    for name, value in (('first', '1.0'), ('second', '2.0')):
        hook.export(runner, str(tmp_path / f'{name}.pth'))
        assert (tmp_path / 'pipeline' / 'weight.txt').read_text() == value
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ['pipeline', 'pipelines.new.1.part']
