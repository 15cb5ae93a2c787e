"""Selections: steps that choose samples of a finished dataset by comparing whole classes, or the whole dataset.

Filters of the synthesis see one block of candidates at a time. A rank over a class or over the dataset ("the 70 % least uncertain",
near-duplicates) is known only when all samples are there.
"""

from mmbdg.synthesis.selections.base import Choice, RankedSelection, Samples, Selection
from mmbdg.synthesis.selections.foreground_bounds import ForegroundBounds
from mmbdg.synthesis.selections.least_uncertain import LeastUncertain
from mmbdg.synthesis.selections.plan import SelectionPlan
from mmbdg.synthesis.selections.run import select

__all__ = ['Choice', 'ForegroundBounds', 'LeastUncertain', 'RankedSelection', 'Samples', 'Selection', 'SelectionPlan', 'select']
