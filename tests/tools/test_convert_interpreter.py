"""The command converts state dicts of the released code to a labelled generator."""

import pytest
import torch
from conftest import TINY_CLASSES, TINY_GENERATOR, build_tiny, run_tool

from mmbdg.files import write_safetensors
from mmbdg.interpreter import FeatureInterpreter
from mmbdg.interpreter.released import BigDatasetGANAdapter
from mmbdg.sources import LabelledGenerator

GENERATOR = dict(TINY_GENERATOR, resolution=32, channel_multipliers=(2, 2, 1, 1), latent_dim=16)
CONFIG = """
generator = dict(init_cfg=dict(type='Pretrained', checkpoint={weights!r}), **{generator})
model = dict(
    type='mmbdg.InterpreterTraining',
    generator=generator,
    interpreter=dict(type='mmbdg.InterpreterEnsemble', member=dict(type='mmbdg.FeatureInterpreter', groups=(8, 16, 32))),
)
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes={classes}, truncation=None)]
"""


@pytest.fixture
def config(tmp_path):
    generator = build_tiny(GENERATOR)
    write_safetensors(tmp_path / 'g.safetensors', generator.state_dict())
    text = CONFIG.format(weights=str(tmp_path / 'g.safetensors'), generator=GENERATOR, classes=TINY_CLASSES)
    (tmp_path / 'config.py').write_text(text)
    return generator, tmp_path / 'config.py'


def test_labelled_generator_of_released_checkpoints(config, tmp_path):
    generator, path = config
    heads = [FeatureInterpreter(**generator.interpreter_sizes(), groups=(8, 16, 32), widths=(5, 4, 3)).eval() for _ in range(2)]
    for i, head in enumerate(heads):
        state = BigDatasetGANAdapter().restore(head)
        torch.save(state | {'biggan_model.shared.weight': torch.zeros(3, 6), 'out_layer.2.sv0': torch.ones(1)}, tmp_path / f'{i}.pth')
    result = run_tool('tools/convert_interpreter.py', path, tmp_path / 'out', tmp_path / '0.pth', tmp_path / '1.pth')
    assert '2 interpreters' in result.stdout
    labelled = LabelledGenerator.load(tmp_path / 'out')
    assert (labelled.labels, labelled.truncation) == (('background', 'foreground'), None)
    z, y = labelled._inputs([0, 2], [4, 5])
    with torch.no_grad():
        _, features = generator.forward_features(z, y)
        expected = torch.stack([head(features, generator.embed(y)) for head in heads])
        _, features = labelled._generator.on('cpu').forward_features(z, y)
        found = labelled._interpreter.on('cpu')(features, generator.embed(y))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)  # the released code makes one more power iteration
    again = run_tool('tools/convert_interpreter.py', path, tmp_path / 'out', tmp_path / '0.pth', check=False)
    assert again.returncode == 2 and 'is not overwritten' in again.stdout


def test_another_kind_of_file(config, tmp_path):
    generator, path = config
    torch.save(generator.state_dict(), tmp_path / 'other.pth')
    result = run_tool('tools/convert_interpreter.py', path, tmp_path / 'out', tmp_path / 'other.pth', check=False)
    assert result.returncode == 2 and "is not from BigDatasetGAN's released code" in result.stdout and not (tmp_path / 'out').exists()
