"""BigDatasetGAN for OpenMMLab: synthetic labelled images for pre-training vision models.

.. code-block:: python

    import mmbdg
    image, mask = mmbdg.LabelledGenerator.load('fashion32').sample('bag', 0)
"""

from typing import TYPE_CHECKING, Any

from mmbdg.version import __version__

try:
    from mmbdg import compat, tool_modules
except ModuleNotFoundError as error:
    if error.name == 'mmengine':
        raise ImportError('mmbdg needs mmengine, which is not installed: pip install "mmbdg[onedl]"') from error
    if error.name == 'mmbdg_cli':
        raise ImportError('this checkout has got a new part, mmbdg_cli, since it was installed: pip install -e . again') from error
    raise

if TYPE_CHECKING:
    from mmbdg.sources import LabelledGenerator

compat.install()
tool_modules.install()

__all__ = ['LabelledGenerator', '__version__']


def __getattr__(name: str) -> Any:
    # Imported on first use, so that importing mmbdg for its registry entries alone stays quick.
    if name == 'LabelledGenerator':
        from mmbdg.sources import LabelledGenerator

        return LabelledGenerator
    raise AttributeError(f"module 'mmbdg' has no attribute '{name}'")
