"""Leave out mmpretrain's multimodal models where transformers is too new for them, so that mmpretrain can be imported.

They need transformers 4: with transformers 5, which diffusers and our language models need, ``import mmpretrain.models`` ends with
``TypeError: NoneType takes no arguments``. mmpretrain itself has placeholders for the case that transformers is not installed; they are
used here too. All other models of mmpretrain are unaffected.
"""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

NAME = 'mmpretrain.utils.dependency'
FLAG = 'WITH_MULTIMODAL'


class MultimodalFinder(MetaPathFinder):
    """Import finder for the module in which mmpretrain decides whether it has multimodal models."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != NAME or not transformers_too_new():
            return None
        for finder in sys.meta_path:
            spec = None if isinstance(finder, MultimodalFinder) else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = WithoutMultimodal(spec.loader)
                return spec
        return None


class WithoutMultimodal(Loader):
    """Loader that runs the module and then sets its flag to False."""

    def __init__(self, usual: Loader) -> None:
        self.usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.usual.exec_module(module)
        setattr(module, FLAG, False)


def transformers_too_new() -> bool:
    """Whether transformers 5 or later is installed."""
    try:
        return int(version('transformers').split('.')[0]) >= 5
    except (PackageNotFoundError, ValueError):
        return False


def install_multimodal_finder() -> None:
    """Put the finder first. Idempotent."""
    if not any(isinstance(finder, MultimodalFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, MultimodalFinder())
