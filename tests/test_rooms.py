"""Import rules between the subpackages, and the packages that each of them needs."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from programs import run_programs

PACKAGE = Path(__file__).parents[1] / 'mmbdg'

# subpackage: the subpackages it may import
ALLOWED = {
    'storage': {'compat', 'assets'},
    'generators': {'compat'},
    'interpreter': {'generators', 'storage', 'compat'},
    'classifiers': {'generators', 'compat', 'assets'},
    'embedders': {'classifiers', 'generators', 'compat', 'assets'},
    'pools': {'storage', 'embedders', 'compat', 'assets'},
    'sources': {'storage', 'generators', 'interpreter', 'classifiers', 'embedders', 'pools', 'compat', 'assets'},
    'synthesis': {'storage', 'generators', 'classifiers', 'embedders', 'sources', 'compat'},
    'visualization': {'storage'},
    'annotation': {'storage', 'generators', 'sources', 'visualization'},
    'analysis': {'storage', 'generators', 'classifiers', 'sources', 'visualization', 'compat'},
    'datasets': {
        *('storage', 'generators', 'interpreter', 'classifiers', 'sources', 'synthesis', 'annotation', 'analysis', 'assets', 'compat'),
    },
    'converters': {'storage', 'datasets', 'analysis', 'pools', 'assets'},
    'evaluation': {'datasets', 'storage', 'classifiers', 'analysis', 'interpreter', 'compat', 'assets'},
    'models': {'storage', 'generators', 'interpreter', 'embedders', 'sources', 'datasets', 'compat', 'assets'},
    'engine': {
        *('models', 'datasets', 'storage', 'sources', 'synthesis', 'annotation', 'analysis', 'visualization', 'generators', 'backbones'),
        *('compat', 'evaluation', 'assets', 'embedders', 'own_images', 'pipeline_weights'),
    },
    'backbones': {'compat'},
    'sharing': {'storage', 'sources', 'converters', 'analysis'},
    'own_images': {'analysis', 'storage'},
    'leaderboard': {'storage', 'assets'},
    'explorer': {*('storage', 'generators', 'sources', 'synthesis', 'annotation', 'analysis', 'visualization')},
    'studies': {'storage', 'engine', 'evaluation', 'analysis', 'leaderboard', 'assets', 'compat'},
    'compat': {'assets'},
    'assets': set(),
}
LEAVES = {
    'addressed',
    'arguments',
    'cache',
    'calling',
    'coco_json',
    'confidence',
    'config_parts',
    'data_configs',
    'errors',
    'file_hashes',
    'files',
    'html_page',
    'image_files',
    'images',
    'listing',
    'machine',
    'parts',
    'markdown',
    'outlines',
    'paths',
    'reading',
    'registry',
    'run_lengths',
    'schema',
    'version',
    'workers',
}
LIGHT = (
    *(
        'storage',
        'generators',
        'interpreter',
        'classifiers',
        'embedders',
        'pools',
        'sources',
        'synthesis',
        'annotation',
        'visualization',
        'analysis',
        'backbones',
        'leaderboard',
        'sharing',
        'explorer',
    ),
)


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


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def executed_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Imports at the top of a module and inside its functions, without the imports for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == 'TYPE_CHECKING'):
            yield from executed_imports(node)


def import_graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Map from each module to the modules that it imports by name, at any place in the file.

    Two kinds of import are not edges, because they cannot fail through the order of imports:

    - Python runs a package's ``__init__`` before a module in it. Each ``__init__`` imports its modules, so each subpackage would
      be a cycle.
    - A registry imports subpackages by name (``mmbdg/registry.py``) when a config names a type. This breaks the cycles.
    """
    graph: dict[str, set[str]] = {}
    for name, source in sources.items():
        found = graph.setdefault(name, set())
        for node in executed_imports(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            else:
                assert node.level == 0, f'{name} has a relative import'
                wanted = [f'{node.module}.{alias.name}' for alias in node.names]
                found |= {one if one in sources else node.module for one in wanted}
        found &= sources.keys()
    return graph


def test_no_import_cycle():
    files = [path for path in PACKAGE.rglob('*.py') if '.mim' not in path.parts]
    graph = import_graph({module_name(path): path.read_text() for path in files})
    assert graph['mmbdg.analysis.opening'] >= {'mmbdg.analysis.images.coco_images', 'mmbdg.errors'}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail('import cycle: ' + ' <- '.join(error.args[1]))


def test_an_import_cycle_is_found():
    sources = {
        'p': '',
        'p.a': 'from p import b',
        'p.b': 'def f():\n    from p.a import x',
        'p.c': 'if TYPE_CHECKING:\n    import p.d',
        'p.d': 'import p.c',
    }
    graph = import_graph(sources)
    assert graph == {'p': set(), 'p.a': {'p.b'}, 'p.b': {'p.a'}, 'p.c': set(), 'p.d': {'p.c'}}
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()


BLOCKED = """
import sys
MORE = ()
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('mmcv', 'mmpretrain', 'mmseg', 'mmdet', 'torchvision', 'scipy', 'PIL', 'tqdm', 'filelock', *MORE):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Block())
"""


LABELLED = "import mmbdg\nimage, mask = mmbdg.LabelledGenerator.load('fashion32').sample('bag', 3)\nprint(image.shape, mask.shape)"
MISSING = "from mmbdg.registry import MODELS\nMODELS.build(dict(type='mmbdg.JointDenseCL'))"


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=PACKAGE.parent)


@pytest.fixture(scope='module')
def blocked() -> dict[str, subprocess.CompletedProcess]:
    """What programs do that cannot import the blocked packages. Importing mmbdg, which each would do first, takes most of the time."""
    programs = {room: f'import mmbdg.{room}' for room in LIGHT} | dict(labelled=LABELLED, missing=MISSING)
    return run_programs(programs, BLOCKED + 'import mmbdg', PACKAGE.parent)


@pytest.mark.parametrize('room', LIGHT)
def test_light_rooms_need_no_mm_package(room, blocked):
    assert blocked[room].returncode == 0, blocked[room].stderr


def test_labelled_images_need_no_mm_package(blocked):
    assert blocked['labelled'].stdout.strip() == '(32, 32, 3) (32, 32)', blocked['labelled'].stderr


def test_missing_package_says_what_to_install(blocked):
    assert 'pip install "mmbdg[onedl]"' in blocked['missing'].stderr


def test_without_mmengine():
    result = run_python(BLOCKED.replace('MORE = ()', "MORE = ('mmengine',)") + 'import mmbdg')
    assert 'mmbdg needs mmengine, which is not installed: pip install "mmbdg[onedl]"' in result.stderr


def test_import_mmbdg_imports_no_large_package():
    large = ('mmcv', 'mmseg', 'mmpretrain', 'mmdet', 'transformers', 'peft', 'diffusers')
    result = run_python(f'import sys, mmbdg\nprint([m for m in {large!r} if m in sys.modules])')
    assert result.stdout.strip() == '[]', result.stdout + result.stderr
