import os
import unicodedata

import pytest

from mmbdg.errors import InputError
from mmbdg.images import open_image
from mmbdg.listing import composed, list_files, list_folders, natural_key


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'x')
    return root


def names(listing):
    return [path.relative_to(listing.root).as_posix() for path in listing.files]


def test_suffixes_in_natural_order(tmp_path):
    touch(tmp_path, 'x10.PNG', 'x2.jpg', 'b/1.webp', 'b/1.TIFF', 'note.txt', 'x10.pgm')
    found = list_files(tmp_path)
    assert names(found) == ['b/1.TIFF', 'b/1.webp', 'x2.jpg', 'x10.PNG', 'x10.pgm']
    assert found.note() == f'{tmp_path}: 1 files or folders are left out (.txt), e.g. {tmp_path}/note.txt'
    assert names(list_files(tmp_path, ('.txt',))) == ['note.txt'] and len(list_files(tmp_path, ()).files) == 6
    assert sorted(['10', '9', 'a1', '1']) != sorted(['10', '9', 'a1', '1'], key=natural_key) == ['1', '9', '10', 'a1']


def test_clutter_is_not_even_counted(tmp_path):
    touch(tmp_path, 'a.png', '._a.png', '.DS_Store', 'Thumbs.db', '.ipynb_checkpoints/a.png', '__MACOSX/a.png', '@eaDir/a.png', '.nfs0001')
    assert names(list_files(tmp_path)) == ['a.png'] and not list_files(tmp_path).note()
    touch(tmp_path, '.hidden.png', '.old/b.png')
    found = list_files(tmp_path)
    assert names(found) == ['a.png'] and '2 files or folders are left out (hidden)' in found.note()


def test_links_are_followed_and_loops_are_not(tmp_path):
    touch(tmp_path, 'far/0.png', 'far/1.png', 'root/a/2.png')
    (tmp_path / 'root/b').symlink_to(tmp_path / 'far')
    (tmp_path / 'root/3.png').symlink_to(tmp_path / 'far/0.png')
    (tmp_path / 'root/a/back').symlink_to(tmp_path / 'root')
    (tmp_path / 'root/itself').symlink_to('itself')
    found = list_files(tmp_path / 'root')
    assert names(found) == ['3.png', 'a/2.png', 'b/0.png', 'b/1.png']
    assert [path.name for path in found.left_out] == ['back', 'itself']
    assert [path.name for path in list_folders(tmp_path / 'root')] == ['a', 'b']


def test_links_to_folders_of_links_end(tmp_path):
    """Listing ends with an error when links open very many paths: here 2^30 paths through 30 folders of two links each."""
    for i in range(30):
        (tmp_path / f'root/{i}').mkdir(parents=True)
        for way in 'ab':
            (tmp_path / f'root/{i}/{way}').symlink_to(tmp_path / f'root/{i + 1}')
    touch(tmp_path, 'root/30/x.png')
    with pytest.raises(InputError, match=r'more than 16 links lead to .*root/\d+; link each folder once'):
        list_files(tmp_path / 'root')


def test_a_folder_that_is_called_like_a_file(tmp_path):
    touch(tmp_path, 'a/0.png', 'a/1.png/x.png')
    for suffixes in (('.png',), ()):
        assert names(list_files(tmp_path, suffixes)) == ['a/0.png', 'a/1.png']
    with pytest.raises(InputError, match='1.png is a folder'):
        open_image(tmp_path / 'a/1.png')


def test_depth(tmp_path):
    touch(tmp_path, '0.png', 'a/1.png', 'a/b/2.png')
    assert [names(list_files(tmp_path, depth=depth)) for depth in range(3)] == [
        ['0.png'],
        ['0.png', 'a/1.png'],
        ['0.png', 'a/1.png', 'a/b/2.png'],
    ]
    assert [path.name for path in list_files(tmp_path, depth=1).left_out] == ['b']


def test_two_files_of_one_stem(tmp_path):
    touch(tmp_path, 'a/0.png', 'a/1.png', 'a/1.JPG')
    with pytest.raises(InputError, match=r'a/1.JPG and .*a/1.png have the same name without suffix'):
        list_files(tmp_path).by_stem()
    (tmp_path / 'a/1.JPG').unlink()
    assert list(list_files(tmp_path).by_stem()) == ['a/0', 'a/1']


def test_two_forms_of_unicode(tmp_path):
    nfc, nfd = (unicodedata.normalize(form, 'Kröte') for form in ('NFC', 'NFD'))
    assert composed(nfd) == nfc != nfd
    touch(tmp_path, f'{nfd}.png')
    assert list(list_files(tmp_path).by_stem()) == [nfc]
    touch(tmp_path, f'{nfc}.jpg')
    with pytest.raises(InputError, match='have the same name'):
        list_files(tmp_path).by_stem()


def test_empty_files_and_dead_links(tmp_path):
    touch(tmp_path, '0.png')
    (tmp_path / '1.png').touch()
    (tmp_path / '2.png').symlink_to('nowhere.png')
    assert [path.name for path in list_files(tmp_path).empty()] == ['1.png', '2.png']


def test_no_folder(tmp_path):
    for listing in (list_files, list_folders):
        with pytest.raises(InputError, match=f'there is no folder {tmp_path}/none'):
            listing(tmp_path / 'none')


@pytest.mark.skipif(os.getuid() == 0, reason='root may read everything')
def test_a_folder_that_may_not_be_read(tmp_path):
    touch(tmp_path, 'a/0.png')
    (tmp_path / 'a').chmod(0)
    with pytest.raises(InputError, match='a cannot be read: Permission denied'):
        list_files(tmp_path)
    (tmp_path / 'a').chmod(0o700)


def test_what_is_left_out_is_logged_once(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr('mmengine.logging.print_log', lambda text, *_: said.append(text))
    touch(tmp_path, '0.png', 'x.txt')
    for _ in range(2):
        assert names(list_files(tmp_path).log()) == ['0.png']
    assert said == [list_files(tmp_path).note()]
