"""Selections: steps that choose samples of a finished dataset by comparing whole classes, or the whole dataset.

Filters of the synthesis see one block of candidates at a time. A rank over a class or over the dataset ("the 70 % least uncertain",
near-duplicates) is known only when all samples are there.
"""

from mmbdg.synthesis.selections.base import Choice, Pair, RankedSelection, Samples, Selection
from mmbdg.synthesis.selections.clip_score import ClipScore
from mmbdg.synthesis.selections.foreground_bounds import ForegroundBounds
from mmbdg.synthesis.selections.least_uncertain import LeastUncertain
from mmbdg.synthesis.selections.plan import SelectionPlan
from mmbdg.synthesis.selections.run import select
from mmbdg.synthesis.selections.similar import NearDuplicates, SimilaritySelection, TestSetLeakage

__all__ = [
    'Choice',
    'ClipScore',
    'ForegroundBounds',
    'LeastUncertain',
    'NearDuplicates',
    'Pair',
    'RankedSelection',
    'Samples',
    'Selection',
    'SelectionPlan',
    'SimilaritySelection',
    'TestSetLeakage',
    'select',
]
