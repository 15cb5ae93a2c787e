"""tools/coarse_masks.py on masks whose IoU is known by hand."""

import sys
from importlib import import_module

import numpy as np
import pytest
from conftest import ROOT, TINY_GENERATOR

from mmbdg.datasets.annotated_latents import LatentDataset
from mmbdg.errors import InputError

sys.path.append(str(ROOT / 'tools'))
tool = import_module('coarse_masks')

CONFIG = f"""
model = dict(type='mmbdg.InterpreterTraining', generator={TINY_GENERATOR!r})
train_dataloader = dict(dataset=dict(type='X'))
test_dataloader = dict(dataset=dict(type='mmbdg.RuleAnnotatedLatents'))
"""
MASKS = np.zeros((2, 4, 4), np.uint8)
MASKS[0, :, :2] = 1  # two columns: a block of stride 2, which is kept
MASKS[1, :, 0] = 1  # one column: its blocks average 1/2, which becomes (4, 3, 1, 0) / 8 after resizing, so nothing remains


class Drawn(LatentDataset):
    """Two masks, of the classes 0 and 1."""

    def load_data_list(self):
        return [dict(latent=np.zeros(1, np.float32), class_id=number, mask=mask) for number, mask in enumerate(MASKS)]

    def _extra(self, item):
        return {}


@pytest.fixture
def config(tmp_path):
    (tmp_path / 'config.py').write_text(CONFIG)
    return str(tmp_path / 'config.py')


@pytest.mark.parametrize('space', ['fgbg', 'classes'])
def test_values(config, monkeypatch, space):
    """Of 32 pixels, the masks have 12 of foreground, and 8 of them remain. The labels of the set make no difference."""
    monkeypatch.setattr(tool, 'RuleAnnotatedLatents', lambda: Drawn(['first', 'second'], space))
    background, foreground, first, second = 20 / 24, 8 / 12, 8 / 8, 0 / 4
    found = tool.ceiling(config, 2)
    assert found['mIoU_fgbg'] == pytest.approx(100 * (background + foreground) / 2, abs=0.01)
    assert found['mIoU_classes'] == pytest.approx(100 * (background + first + second) / 3, abs=0.01)
    assert tool.ceiling(config, 1) == dict(mIoU_fgbg=100, mIoU_classes=100)


def test_a_config_without_a_rule(config):
    with open(config, 'a') as file:
        file.write("test_dataloader['dataset']['type'] = 'mmbdg.AnnotatedLatents'\n")
    with pytest.raises(InputError, match=r'has no test_dataloader.dataset of the type mmbdg\.RuleAnnotatedLatents'):
        tool.ceiling(config, 2)
