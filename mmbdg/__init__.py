"""Labelled data for vision pre-training that nobody had to label: BigDatasetGAN for OpenMMLab.

.. code-block:: python

    import mmbdg
    image, mask = mmbdg.LabelledGenerator.load('fashion32').sample('bag', 0)
"""

from typing import TYPE_CHECKING, Any

from mmbdg.version import __version__

try:
    from mmbdg import compat
except ModuleNotFoundError as error:
    if error.name == 'mmengine':
        raise ImportError('mmbdg needs mmengine, which is not installed: pip install "mmbdg[onedl]"') from error
    raise

if TYPE_CHECKING:
    from mmbdg.sources import LabelledGenerator

compat.install()

__all__ = ['LabelledGenerator', '__version__']


def __getattr__(name: str) -> Any:
    # On first use: what is imported for its registry entries alone need not load it.
    if name == 'LabelledGenerator':
        from mmbdg.sources import LabelledGenerator

        return LabelledGenerator
    raise AttributeError(f"module 'mmbdg' has no attribute '{name}'")
