"""Reading the config in a checkpoint without running it."""

import sys

import pytest
from conftest import ROOT
from mmengine.config import Config
from unformatted import YAPF

from mmbdg.compat.config_text import read_config_text
from mmbdg.errors import InputError


@pytest.mark.parametrize('name', ['densecl_biggan_fpn.py', 'gan/biggan_fashion32.py', 'densecl_biggan_fpn_in1k.py'])
def test_what_mmengine_dumps(name, monkeypatch):
    cfg = Config.fromfile(ROOT / 'configs' / name)
    plain = cfg.pretty_text
    for module in YAPF:
        monkeypatch.delitem(sys.modules, module)
    assert cfg.pretty_text != plain  # with yapf's line breaks
    for text in (plain, cfg.pretty_text):
        assert read_config_text(text, 'x') == cfg.to_dict()


def test_values():
    cfg = Config({'a': float('inf'), 'b': -1.5, 'c': {'x y': (1, [None, True])}, 'd': {1: 'one'}, 'e': (), 'f': dict(s="it's")})
    assert read_config_text(cfg.pretty_text, 'x') == cfg.to_dict()


@pytest.mark.parametrize(
    'text',
    ['import os', "a = __import__('os').system('false')", 'a = [b for b in ()]', 'a = dict(**{})', 'a = b', 'a.b = 1', 'a = ('],
)
def test_code_is_refused(text):
    with pytest.raises(InputError, match='the config in x.pth is not read: it holds more than plain values'):
        read_config_text(text, 'x.pth')
