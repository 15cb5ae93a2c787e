"""Directions between the rooms, and what they need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'mmbdg'

# room: the rooms it may import from
ALLOWED = {
    'generators': {'compat'},
    'interpreter': {'generators', 'compat'},
    'synthesis': {'generators', 'interpreter', 'compat', 'assets'},
    'annotation': {'generators', 'synthesis', 'analysis'},
    'analysis': {'synthesis', 'generators', 'interpreter', 'compat'},
    'datasets': {'generators', 'interpreter', 'synthesis', 'annotation', 'analysis', 'assets', 'compat'},
    'evaluation': {'datasets', 'synthesis', 'analysis', 'interpreter', 'compat'},
    'models': {'generators', 'interpreter', 'synthesis', 'datasets', 'compat'},
    'engine': {'models', 'datasets', 'synthesis', 'annotation', 'analysis', 'generators', 'backbones', 'compat', 'evaluation', 'assets'},
    'backbones': {'compat'},
    'studies': {'engine', 'evaluation', 'analysis', 'assets', 'compat'},
    'compat': {'assets'},
    'assets': set(),
}
LEAVES = {
    'arguments',
    'coco_json',
    'data_configs',
    'errors',
    'files',
    'image_files',
    'images',
    'listing',
    'paths',
    'reading',
    'registry',
    'run_lengths',
    'schema',
    'version',
    'workers',
}
LIGHT = ('generators', 'interpreter', 'synthesis', 'annotation', 'analysis', 'backbones')


def imported_modules(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f'{node.module}.{alias.name}' for alias in node.names} if node.module == 'mmbdg' else {node.module or ''}
    return found


@pytest.mark.parametrize('room', sorted(ALLOWED))
def test_imports_go_one_way(room):
    for path in (PACKAGE / room).rglob('*.py'):
        for module in imported_modules(path):
            if module.startswith('mmbdg.'):
                other = module.split('.')[1]
                assert other in {room, *LEAVES, *ALLOWED[room]}, f'{path} imports {module}'
            assert module.split('.')[0] not in ('tools', 'configs'), f'{path} imports {module}'
            assert not module.startswith('mmdet.models'), f'{path} imports {module}'


def test_every_room_has_a_rule():
    assert {path.parent.name for path in PACKAGE.glob('*/__init__.py')} == set(ALLOWED)


BLOCKED = """
import sys
MORE = ()
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmcv', 'mmpretrain', 'mmseg', 'mmdet', 'torchvision', 'scipy', 'PIL', 'tqdm', 'filelock', *MORE):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
"""


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=PACKAGE.parent)


@pytest.mark.parametrize('room', LIGHT)
def test_light_rooms_need_no_mm_package(room):
    result = run_python(BLOCKED + f'import mmbdg.{room}')
    assert result.returncode == 0, result.stderr


def test_labelled_images_need_no_mm_package():
    code = "import mmbdg\nimage, mask = mmbdg.LabelledGenerator.load('fashion32').sample('bag', 3)\nprint(image.shape, mask.shape)"
    result = run_python(BLOCKED + code)
    assert result.stdout.strip() == '(32, 32, 3) (32, 32)', result.stderr


def test_missing_package_says_what_to_install():
    result = run_python(BLOCKED + "import mmbdg\nfrom mmbdg.registry import MODELS\nMODELS.build(dict(type='mmbdg.JointDenseCL'))")
    assert 'pip install "mmbdg[onedl]"' in result.stderr


def test_without_mmengine():
    result = run_python(BLOCKED.replace('MORE = ()', "MORE = ('mmengine',)") + 'import mmbdg')
    assert 'mmbdg needs mmengine, which is not installed: pip install "mmbdg[onedl]"' in result.stderr


def test_import_mmbdg_imports_no_mmcv():
    result = run_python('import sys, mmbdg\nprint([m for m in ("mmcv", "mmseg", "mmpretrain", "mmdet") if m in sys.modules])')
    assert result.stdout.strip() == '[]', result.stdout + result.stderr
