"""Paths that come from data must not leave their folder."""

import os

import pytest

from mmbdg.errors import InputError
from mmbdg.paths import check_regular, inside, is_plain_name, refuse_links_out, relative_path


@pytest.fixture
def root(tmp_path):
    (tmp_path / 'set' / 'images' / 'cat').mkdir(parents=True)
    (tmp_path / 'set' / 'images' / 'cat' / '0.png').write_text('in')
    (tmp_path / 'secret').mkdir()
    (tmp_path / 'secret' / '0.png').write_text('out')
    return tmp_path / 'set'


OUTSIDE = (
    '../secret/0.png', '/etc/hostname', 'images/../../secret/0.png', '..', '', 'images//0.png', './images', 'a\\b', 'C:\\x', 'a\0b', 'a\nb',
    'x' * 256, 'é' * 128,
)  # fmt: skip


@pytest.mark.parametrize('part', [*OUTSIDE, 3, None])
def test_parts_that_lead_out(root, part):
    with pytest.raises(InputError, match='manifest.jsonl: the path .* leads out of its folder or is invalid'):
        inside(root, 'images', part, source='manifest.jsonl')
    with pytest.raises(InputError, match='leads out of its folder'):
        relative_path(part)


def test_parts_that_stay(root):
    assert inside(root, 'images/cat', '0.png').read_text() == 'in'
    assert inside(root, 'not/there/yet.png') == root / 'not/there/yet.png'
    assert relative_path('images', 'Ankle boot/ü (1).png') == 'images/Ankle boot/ü (1).png'
    assert is_plain_name('...') and is_plain_name('.hidden') and not is_plain_name('a/b')


def test_links(root, tmp_path):
    """Links within the folder are followed, and the folder itself may be a link. Links that lead out raise an error."""
    (root / 'images' / 'same').symlink_to('cat')
    assert inside(root, 'images/same/0.png').read_text() == 'in'
    refuse_links_out(root, 'images', 'masks')
    (tmp_path / 'elsewhere').symlink_to(root)
    assert inside(tmp_path / 'elsewhere', 'images/cat/0.png').read_text() == 'in'
    refuse_links_out(tmp_path / 'elsewhere')
    for number, target in enumerate((tmp_path / 'secret', '../../secret', '/etc/hostname', '../../set-beside')):
        link = root / 'images' / f'link{number}'
        link.symlink_to(target)
        with pytest.raises(InputError, match='leads out'):
            inside(root, f'images/{link.name}')
        with pytest.raises(InputError, match=f'{link.name} is a link that leads out of'):
            refuse_links_out(root, 'images')
        link.unlink()
    (root / 'masks').symlink_to(tmp_path / 'secret')
    with pytest.raises(InputError, match='masks is a link that leads out'):
        refuse_links_out(root, 'images', 'masks')


def test_what_never_ends_is_no_file(tmp_path):
    os.mkfifo(tmp_path / 'pipe')
    (tmp_path / 'loop').symlink_to('loop')
    messages = {
        'pipe': 'is a pipe',
        'loop': 'cannot be opened',
        'no': 'there is no file',
        '.': 'is a folder',
        'x' * 300: 'cannot be opened',
    }
    for name, message in messages.items():
        with pytest.raises(InputError, match=message):
            check_regular(tmp_path / name)
    with pytest.raises(InputError, match='is a device'):
        check_regular('/dev/zero')
