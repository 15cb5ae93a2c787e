"""A user's own images: sizes and lengths of the networks, what is in a folder, and whether a step's result is good enough.

Configs read this package, so it imports little. :mod:`.folder`, which looks into a folder of images, is imported where it is used.
"""

from mmbdg.own_images.judgement import THRESHOLDS, Threshold, verdict
from mmbdg.own_images.layouts import BUDGETS, COLOURS, GENERATORS, RESOLUTIONS, layout

__all__ = ['BUDGETS', 'COLOURS', 'GENERATORS', 'RESOLUTIONS', 'THRESHOLDS', 'Threshold', 'layout', 'verdict']
