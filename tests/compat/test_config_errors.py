"""Any error in a config file gives one line with the file's name and line number."""

import os
import re

import pytest

from mmbdg.compat.config import read_config
from mmbdg.errors import InputError

TEXTS = {
    'an open bracket': ('a = 1\nb = (1,\n', 'c.py, line 2: this is not Python: .*never closed'),
    'a wrong word': ('a = 1\nb = 2 3\n', 'c.py, line 2: this is not Python: invalid syntax'),
    'an error': ('a = 1\n\nraise RuntimeError("no such\\nthing")\n', 'c.py, line 3: RuntimeError: no such thing$'),
    'an error in a function': ('def f():\n    return 1 / 0\na = f()\n', 'c.py, line 2: ZeroDivisionError'),
    'an unknown name': ('a = 1\nb = aa\n', "c.py, line 2: NameError: name 'aa' is not defined"),
    'a base that has no such key': ("_base_ = 'good.py'\nb = _base_.c\n", 'c.py, line 2: AttributeError'),
    'a module that is not there': ("__import__('nowhere')\n", "c.py, line 1: ModuleNotFoundError: No module named 'nowhere'$"),
    'an end': ('a = 1\nexit()\n', 'c.py, line 2: it exits the program'),
    'no base': ("_base_ = 'no.py'\n", r'c.py inherits from .*no.py, which does not exist'),
    'no base of the base': ("_base_ = 'childless.py'\n", r'childless.py inherits from .*nothing.py, which does not exist'),
    'a number as a base': ('_base_ = 3\n', 'c.py cannot be read: '),
    'no such file in a package': ("_base_ = 'mmpretrain::no/no.py'\n", r'c.py inherits from .*/no/no.py, which does not exist'),
    'no folder in a package': (
        "_base_ = 'mmpretrain::no.py'\n",
        'c.py inherits from a package by a wrong path: .*PACKAGE::FOLDER/FILE.py',
    ),
    'a package that is not there': ("_base_ = 'mmrotate::a/b.py'\n", r'c.py needs a package: .*mmrotate.*pip install "mmbdg\[onedl,det\]"'),
    'itself as a base': ("_base_ = 'c.py'\n", 'a config inherits from itself: .*c.py -> .*c.py'),
    'a circle of bases': ("_base_ = 'circle.py'\n", 'a config inherits from itself: .*c.py -> .*circle.py -> .*c.py'),
    'an error in a base': ("_base_ = 'bad.py'\n", 'bad.py, line 2, which .*c.py inherits from: TypeError'),
    'syntax of a base': ("_base_ = 'open.py'\n", 'open.py, line 2, which .*c.py inherits from: this is not Python'),
    'two bases of one key': ("_base_ = ['good.py', 'good2.py']\n", 'c.py cannot be read: .*Duplicate key'),
    'a dict over a number': ("_base_ = 'good.py'\na = dict(b=1)\n", 'c.py cannot be read: .*_delete_=True'),
    'custom imports': ("custom_imports = dict(imports=['nowhere'])\na = 1\n", 'c.py needs a package: Failed to import nowhere'),
    'nothing': ('', 'c.py sets nothing'),
    'a comment': ('# a = 1\n', 'c.py sets nothing'),
    'the new style without its base': (
        'from mmengine.config import read_base\nwith read_base():\n    from .no import *\n',
        'c.py cannot be read: .*no.py not found',
    ),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'good.py').write_text('a = 1\n')
    (tmp_path / 'good2.py').write_text('a = 2\n')
    (tmp_path / 'bad.py').write_text('a = 1\nb = a()\n')
    (tmp_path / 'open.py').write_text('a = 1\nb = (\n')
    (tmp_path / 'circle.py').write_text("_base_ = 'c.py'\n")
    (tmp_path / 'childless.py').write_text("_base_ = 'nothing.py'\n")
    return tmp_path


def refused(path, **options) -> str:
    with pytest.raises(InputError) as error:
        read_config(path, options)
    assert '\n' not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize('what', TEXTS)
def test_python(what, folder):
    text, told = TEXTS[what]
    (folder / 'c.py').write_text(text)
    assert re.search(told, refused(folder / 'c.py'))


@pytest.mark.parametrize(
    ('name', 'content', 'told'),
    [
        ('bytes.py', bytes(range(256)), 'bytes.py: this is not UTF-8 text'),
        ('null.py', b'a = 1\0', 'null.py: this is not Python'),
        ('list.json', b'[1, 2]', 'list.json is not a config: it has no top-level keys'),
        ('text.yaml', b'just a text', 'text.yaml is not a config: it has no top-level keys'),
        ('cut.json', b'{"a": ', 'cut.json cannot be read: Expecting value: line 1 column 7'),
        ('cut.yaml', b'a: [1, 2', 'cut.yaml cannot be read: while parsing a flow sequence'),
        (
            'runs.yaml',
            b'a: !!python/object/apply:os.system ["touch marker"]',
            'runs.yaml cannot be read: could not determine a constructor',
        ),
        ('a.txt', b'a = 1', 'a.txt is not a config: its name must end in one of .py'),
    ],
)
def test_other_contents(name, content, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert told in refused(tmp_path / name) and not (tmp_path / 'marker').exists()


def test_what_is_no_file(tmp_path):
    (tmp_path / 'folder.py').mkdir()
    os.mkfifo(tmp_path / 'pipe.py')
    (tmp_path / 'loop.py').symlink_to('loop.py')
    assert 'folder.py is a folder, not a file' in refused(tmp_path / 'folder.py')
    assert 'pipe.py is a pipe, not a file' in refused(tmp_path / 'pipe.py')
    assert 'there is no config at' in refused(tmp_path / 'loop.py')
    assert 'there is no config at' in refused(tmp_path / 'none.py')


def test_an_error_that_an_option_brings(tmp_path):
    (tmp_path / 'c.py').write_text("n = 1\nmodel = dict(type='X', n=10 // n)\n")
    assert read_config(tmp_path / 'c.py', dict(n=5)).model.n == 2
    assert 'c.py, line 2: ZeroDivisionError' in refused(tmp_path / 'c.py', n=0)
