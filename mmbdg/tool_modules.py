"""``python -m mmbdg.VERB``: every tool is also a module of the package, without a file for it."""

import sys
from collections.abc import Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

from mmbdg_cli.places import verbs

SOURCE = """from mmbdg_cli.run import run_tool
if __name__ == '__main__':
    import sys
    run_tool({verb!r}, 'python -m {module}', sys.argv[1:])
"""


class ToolModules(MetaPathFinder, InspectLoader):
    """Finds ``mmbdg.VERB`` where the package has no module of this name. The module runs the tool as a program, and is empty otherwise.

    If the package has a folder with the name of a verb, ``python -m`` looks for ``__main__`` in it, which is found here too.
    """

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(name, self) if _verb(name) in verbs() or self.is_package(name) else None

    def is_package(self, name: str) -> bool:
        return any(verb.startswith(f'{_verb(name)}/') for verb in verbs()) if name.startswith('mmbdg.') else False

    def get_source(self, name: str) -> str:
        verb = _verb(name)
        return SOURCE.format(verb=verb, module=f'mmbdg.{verb.replace("/", ".")}') if verb in verbs() else ''


def _verb(module: str) -> str:
    package, _, rest = module.partition('.')
    return rest.removesuffix('.__main__').replace('.', '/') if package == 'mmbdg' else ''


def install() -> None:
    """Add the finder behind Python's own ones. Idempotent."""
    if not any(isinstance(finder, ToolModules) for finder in sys.meta_path):
        sys.meta_path.append(ToolModules())
