"""There is one function to read each kind of file. These tests fail if a module reads it in another way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

FILES = sorted([*(ROOT / 'mmbdg').rglob('*.py'), *(ROOT / 'tools').rglob('*.py')])
WAYS = {
    'json.load': 'mmbdg.reading.read_json, or parsed_json for text',
    'json.loads': 'mmbdg.reading.read_json, or parsed_json for text',
    'np.load': 'mmbdg.reading.read_array or read_arrays',
    'numpy.load': 'mmbdg.reading.read_array or read_arrays',
    'Image.open': 'mmbdg.images.open_image, read_mask, read_stored or image_size',
    'cv2.imread': 'mmbdg.images.open_image',
    'mmcv.imread': 'mmbdg.images.open_image',
    'torch.load': 'mmbdg.compat.checkpoint.read_checkpoint',
    'pickle.load': 'no pickle is read',
    'pickle.loads': 'no pickle is read',
    'yaml.load': 'mmengine.load, which mmbdg.compat.safe_yaml makes safe',
    '.read_text': 'mmbdg.reading.read_text or read_lines',
    '.read_bytes': 'mmbdg.reading.read_bytes',
}
"""Calls, and what to use instead. A name that begins with a dot is a method of any object."""
ALLOWED = {
    'mmbdg/reading.py': {'json.loads', '.read_bytes'},
    'mmbdg/image_files.py': {'Image.open'},
    'mmbdg/compat/checkpoint.py': {'torch.load'},
    'mmbdg/compat/config_variables.py': {'.read_text'},  # a config is a Python program
    'mmbdg/machine.py': {'.read_text'},  # /proc
    'tools/benchmarks/memory.py': {'.read_text'},  # /proc
    'mmbdg/html_page.py': {'.read_text'},  # the package's own templates
    'mmbdg/compat/lightning.py': {'torch.load'},  # with an unpickler that allows no executable objects
}
"""Modules that define these functions, and files of the system or of this package that need none of them."""


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and name of each call of a function in WAYS."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = ast.unparse(node.func)
            method = f'.{node.func.attr}'
            found = name if name in WAYS else method if method in WAYS else None
            if found:
                yield node.lineno, found


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_one_way(path):
    name = str(path.relative_to(ROOT))
    others = [f'{name}:{line}: {call}: use {WAYS[call]}' for line, call in calls(path) if call not in ALLOWED.get(name, ())]
    assert not others, '\n'.join(others)


def test_what_is_allowed_is_needed():
    """ALLOWED has no entries that are no longer needed."""
    for name, allowed in ALLOWED.items():
        assert {call for _, call in calls(ROOT / name)} >= allowed, name


@pytest.mark.parametrize('path', sorted((ROOT / 'tools').rglob('*.py')), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_tool_ends_in_one_line(path):
    """A module that runs as a program calls its main() within ``plain_errors``."""
    (last, *_) = reversed(ast.parse(path.read_text()).body)
    called = isinstance(last, ast.If) and ast.unparse(last.test) == "__name__ == '__main__'"
    if not called:
        assert "'__main__'" not in path.read_text()
        return
    (within,) = last.body
    assert isinstance(within, ast.With) and ast.unparse(within.items[0].context_expr).startswith('plain_errors(')
