"""Configs are found by name from any folder; a file of the user wins."""

from pathlib import Path

import pytest
from conftest import ROOT

from mmbdg.analysis.opening import open_labelled_images
from mmbdg.compat.config import read_config, with_config_dir
from mmbdg.compat.config_names import config_path, packaged
from mmbdg.errors import InputError
from mmbdg_cli.places import CONFIGS, config_names

UNET = 'transfer/fashion/unet_32px'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> Path:
    """A folder in which nothing lies."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_config_has_a_name():
    files = {path.relative_to(ROOT / 'configs') for path in (ROOT / 'configs').rglob('*.py')}
    assert set(config_names()) == {str(path.with_suffix('')) for path in files if '_base_' not in path.parts}
    for path in files:
        assert Path(config_path(path)).samefile(ROOT / 'configs' / path)


@pytest.mark.parametrize('name', [UNET, f'{UNET}.py', f'configs/{UNET}', f'configs/{UNET}.py', f'./{UNET}'])
def test_forms_of_a_name(name):
    assert config_path(name) == str(CONFIGS / f'{UNET}.py')


def test_a_config_read_by_name_is_the_same():
    cfg = read_config('densecl_biggan_fpn', dict(iterations=3))
    assert cfg.train_cfg.max_iters == 3 and Path(cfg.filename).samefile(ROOT / 'configs' / 'densecl_biggan_fpn.py')
    assert cfg.to_dict() == read_config(ROOT / 'configs' / 'densecl_biggan_fpn.py', dict(iterations=3)).to_dict()


def test_a_file_of_the_user_wins(elsewhere):
    (elsewhere / 'densecl_biggan_fpn.py').write_text('mine = 1\n')
    assert read_config('densecl_biggan_fpn').mine == 1 and read_config('densecl_biggan_fpn.py').mine == 1
    (elsewhere / 'densecl_biggan_fpn_online').mkdir()  # a folder is no config
    assert config_path('densecl_biggan_fpn_online') == str(CONFIGS / 'densecl_biggan_fpn_online.py')
    with pytest.raises(InputError, match='^own is a folder, not a file$'):
        (elsewhere / 'own').mkdir()
        read_config('own')


def test_an_unknown_name_lists_the_nearest(elsewhere):
    with pytest.raises(InputError) as error:
        config_path('densecl_bigan_fpn')
    assert str(error.value).startswith(
        'there is no config at densecl_bigan_fpn, and this package has none of that name; the nearest are densecl_biggan_fpn, '
    )
    with pytest.raises(InputError, match='the nearest are transfer/colour/unet_32px, transfer/fashion/unet_32px, '):
        config_path('unet_32px.py')  # the folder is part of the name
    with pytest.raises(InputError, match=r'has none of that name \(mmbdg configs lists all names\)'):
        config_path('qqqqqqq')
    with pytest.raises(InputError, match='none.py$'):
        config_path(elsewhere / 'none.py')


@pytest.mark.parametrize('name', ['', '.', '..', '../configs/densecl_biggan_fpn', '/densecl_biggan_fpn', '_base_'])
def test_what_is_no_name(name):
    assert packaged(name) is None


def test_a_dataset_in_a_config_by_name():
    images = open_labelled_images('_base_/datasets/fashion32_seg_test:test_dataloader.dataset')
    assert len(images) == 1000 and len(images.classes) == 10


def test_commands_in_texts_of_a_config(elsewhere):
    cfg = read_config('own/gan')
    assert with_config_dir(cfg, 'python tools/train.py {config_dir}/classifier.py') == 'python tools/train.py configs/own/classifier.py'
    (elsewhere / 'configs' / 'own').mkdir(parents=True)  # here configs/own is another folder
    named = with_config_dir(cfg, '{config_dir}/classifier.py')
    assert named != 'configs/own/classifier.py' and Path(named).samefile(ROOT / 'configs' / 'own' / 'classifier.py')
