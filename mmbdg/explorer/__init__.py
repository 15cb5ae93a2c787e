"""The explorer: a page on the own machine that shows a labelled generator or a dataset, and writes selections and corrected masks.

``view`` and its two subclasses compute what is shown, ``app`` gives it to the page, ``guard`` refuses requests of other pages, ``server``
runs it.
"""

from mmbdg.explorer.annotation_folder import AnnotationFolder
from mmbdg.explorer.dataset_view import DatasetView
from mmbdg.explorer.generator_view import GeneratorView
from mmbdg.explorer.reference import Reference
from mmbdg.explorer.view import FilterSettings, View, Where

__all__ = ['AnnotationFolder', 'DatasetView', 'FilterSettings', 'GeneratorView', 'Reference', 'View', 'Where']
