"""Selections: steps that choose samples of a finished dataset by a comparison within classes or within the whole dataset.

Filters of the synthesis compare the candidates of one block. A rank within a class or within the dataset, such as "the 70 %
least uncertain samples", needs all samples.
"""

from mmbdg.synthesis.selections.base import Choice, Pair, RankedSelection, Samples, Selection
from mmbdg.synthesis.selections.clip_score import ClipScore
from mmbdg.synthesis.selections.foreground_bounds import ForegroundBounds
from mmbdg.synthesis.selections.least_uncertain import LeastUncertain
from mmbdg.synthesis.selections.listed_samples import ListedSamples
from mmbdg.synthesis.selections.plan import SelectionPlan
from mmbdg.synthesis.selections.run import select
from mmbdg.synthesis.selections.similar import NearDuplicates, SimilaritySelection, TestSetLeakage

__all__ = [
    'Choice',
    'ClipScore',
    'ForegroundBounds',
    'LeastUncertain',
    'ListedSamples',
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
