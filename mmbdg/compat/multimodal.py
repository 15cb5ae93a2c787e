"""mmpretrain beside transformers 5: its multimodal models need transformers < 5, and mmpretrain cannot be imported with a later one.

mmpretrain takes any transformers from 4.28 on as good enough for them, and their import fails. Here they count as not installed, so that
mmpretrain registers its placeholders, which say what they need.
"""

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

from mmbdg.compat.one_module import OneModuleFinder

NAME = 'mmpretrain.utils.dependency'
FIRST_UNFIT = 5
"""First major version of transformers that mmpretrain's multimodal models do not work with (its own requirement)."""


class DependencyFinder(OneModuleFinder):
    """Import finder for mmpretrain's module that decides which optional parts are imported."""

    name = NAME

    def loader(self, original: Loader | None) -> Loader | None:
        return None if original is None else WithoutMultimodal(original)


class WithoutMultimodal(Loader):
    """Loader that switches the multimodal models off."""

    def __init__(self, original: Loader) -> None:
        self.original = original

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.original.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.original.exec_module(module)
        module.WITH_MULTIMODAL = False


def install_multimodal_switch() -> None:
    """Install the finder if transformers is too new, and mmpretrain's module is not imported yet. Idempotent."""
    try:
        major = int(version('transformers').split('.')[0])
    except (PackageNotFoundError, ValueError):
        return
    if major >= FIRST_UNFIT and NAME not in sys.modules:
        DependencyFinder.install()
