"""mmpretrain is imported beside a transformers that its multimodal models do not work with."""

import subprocess
import sys
from importlib.metadata import version

import pytest


def imported(code):
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, timeout=300, check=False)


def test_models_are_imported_and_placeholders_say_what_they_need():
    import mmpretrain.models  # noqa: F401
    from mmpretrain.registry import MODELS
    from mmpretrain.utils import dependency

    assert int(version('transformers').split('.')[0]) >= 5  # constraints.txt: otherwise nothing is tested here
    assert dependency.WITH_MULTIMODAL is False
    with pytest.raises(Exception, match='requires extra multi-modal dependencies'):
        MODELS.build(dict(type='BlipCaption'))


def test_older_transformers_is_left_alone():
    code = (
        'import importlib.metadata as m; old = m.version\n'
        "m.version = lambda name: '4.57.6' if name == 'transformers' else old(name)\n"
        'import mmbdg, sys\n'
        'from mmbdg.compat.multimodal import DependencyFinder\n'
        'assert not any(isinstance(finder, DependencyFinder) for finder in sys.meta_path)'
    )
    assert imported(code).returncode == 0
