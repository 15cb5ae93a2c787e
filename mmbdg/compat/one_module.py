"""Import finders that replace the loader of one module of another package."""

import sys
from abc import abstractmethod
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import ClassVar


class OneModuleFinder(MetaPathFinder):
    """Import finder of one module, which the other finders find first.

    Attributes:
        name: Full name of the module.
    """

    name: ClassVar[str]

    @abstractmethod
    def loader(self, original: Loader | None) -> Loader | None:
        """Loader of the module.

        Args:
            original: Loader that the other finders found. None if they found no module.

        Returns:
            None: there is no such module.
        """

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        for finder in sys.meta_path:
            spec = None if isinstance(finder, type(self)) else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = self.loader(spec.loader)
                return spec
        loader = self.loader(None)
        return None if loader is None else spec_from_loader(self.name, loader)

    @classmethod
    def install(cls) -> bool:
        """Put a finder before all others. Return False if there is one already."""
        if any(isinstance(finder, cls) for finder in sys.meta_path):
            return False
        sys.meta_path.insert(0, cls())
        return True
