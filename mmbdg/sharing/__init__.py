"""Sharing of what was made: datasets in the layouts of other libraries, and repositories for the Hugging Face hub."""

from mmbdg.sharing.exporting import export
from mmbdg.sharing.layouts import LAYOUTS
from mmbdg.sharing.options import Options

__all__ = ['LAYOUTS', 'Options', 'export']
