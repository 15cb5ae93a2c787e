"""WiSE-FT by hand: the middle, both ends bit for bit, and weights that do not fit together; the tool that writes them."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mmbdg.errors import InputError
from mmbdg.models.weight_interpolation import interpolated


def states():
    zero_shot = dict(a=torch.tensor([1.0, -0.0, 3.0]), b=torch.tensor([[0.1]]), count=torch.tensor(0))
    tuned = dict(a=torch.tensor([5.0, 2.0, torch.inf]), b=torch.tensor([[0.7]]), count=torch.tensor(9))
    return zero_shot, tuned


def bits(state):
    return {key: value.numpy().tobytes() for key, value in state.items()}


def test_the_middle_by_hand():
    found = interpolated(*states(), 0.25)
    assert found['a'].tolist() == [2.0, 0.5, float('inf')] and found['count'] == 9
    assert found['b'].item() == np.float32(0.75) * np.float32(0.1) + np.float32(0.25) * np.float32(0.7)


@pytest.mark.parametrize('alpha', [0, 0.0, 1, 1.0])
def test_the_ends_bit_for_bit(alpha):
    """Also where the sum is not: at -0, and where the other weights are infinite."""
    zero_shot, tuned = states()
    assert bits(interpolated(zero_shot, tuned, alpha)) == bits(tuned if alpha else zero_shot)
    assert interpolated(zero_shot, tuned, alpha)['a'].data_ptr() not in (zero_shot['a'].data_ptr(), tuned['a'].data_ptr())


def test_half_precision_is_computed_in_float32():
    zero_shot, tuned = dict(a=torch.tensor([1.0], dtype=torch.float16)), dict(a=torch.tensor([1.001], dtype=torch.float16))
    expected = (0.5 * zero_shot['a'].float() + 0.5 * tuned['a'].float()).half()
    found = interpolated(zero_shot, tuned, 0.5)['a']
    assert found.dtype == torch.float16 and torch.equal(found, expected)


def test_weights_that_do_not_fit():
    zero_shot, tuned = states()
    with pytest.raises(InputError, match='alpha lies between 0 .* got 1.5'):
        interpolated(zero_shot, tuned, 1.5)
    with pytest.raises(InputError, match=r'do not fit together:\n  1 missing from the file: b'):
        interpolated(zero_shot, {key: tuned[key] for key in ('a', 'count')}, 0.5)
    with pytest.raises(InputError, match=r'a: \(2,\) in the file, \(3,\) in the model'):
        interpolated(zero_shot, tuned | dict(a=torch.zeros(2)), 0.5)


@pytest.fixture
def tool(monkeypatch):
    import runpy

    from conftest import ROOT

    main = runpy.run_path(str(ROOT / 'tools' / 'wise_ft.py'))['main']

    def run(*arguments):
        monkeypatch.setattr('sys.argv', ['wise_ft.py', *map(str, arguments)])
        main()

    return run


def test_the_tool_writes_the_ends_and_the_middle(tool, tmp_path, capsys):
    pytest.importorskip('open_clip')
    config, zero_path = 'configs/clip/tune_fashion32.py', tmp_path / 'zero_shot.safetensors'
    tool(config, zero_path)
    assert capsys.readouterr().out == f'46 tensors, alpha 0, in {zero_path}\n'
    zero_shot = load_file(zero_path)
    published = load_file('mmbdg/assets/fashion32/clip/open_clip_model.safetensors')
    assert all(torch.equal(value, published[key.removeprefix('backbone.')]) for key, value in zero_shot.items() if 'head' not in key)
    tuned = {key: value + 1 for key, value in zero_shot.items()}
    torch.save(dict(meta=dict(epoch=5), state_dict=tuned), tmp_path / 'epoch_5.pth')
    for alpha, expected in ((0, zero_shot), (0.5, {key: value + 0.5 for key, value in zero_shot.items()}), (1, tuned)):
        tool(config, tmp_path / 'x.safetensors', '--tuned', tmp_path / 'epoch_5.pth', '--alpha', alpha)
        found = load_file(tmp_path / 'x.safetensors')
        assert found.keys() == expected.keys()
        assert all(torch.allclose(value, expected[key], atol=0 if alpha in (0, 1) else 1e-5, rtol=0) for key, value in found.items())
    for arguments, message in (
        ((config, tmp_path / 'x.pth'), 'OUT must end in .safetensors'),
        ((config, tmp_path / 'x.safetensors', '--alpha', '0.5'), '--alpha 0.5 needs --tuned'),
        ((config, tmp_path / 'x.safetensors', '--tuned', tmp_path / 'none.pth'), 'there is no checkpoint at'),
        ((config, zero_path, '--tuned', zero_path), 'OUT is the fine-tuned checkpoint itself'),
        (('configs/classifier/resnet_fashion32.py', tmp_path / 'x.safetensors'), 'has no mmbdg.ZeroShotHead'),
        (('configs/clip/vit-b16_dtd.py', tmp_path / 'x.safetensors'), 'needs files that do not exist'),
    ):
        with pytest.raises(InputError, match=message):
            tool(*arguments)
