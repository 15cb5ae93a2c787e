"""Filters: they keep some of the candidates of a block (BigDatasetGAN, section 3.2)."""

from mmbdg.synthesis.filters.base import Filter, FilterBatch
from mmbdg.synthesis.filters.build import build_filters
from mmbdg.synthesis.filters.early_rejection import EarlyRejection
from mmbdg.synthesis.filters.foreground_filter import ForegroundFilter
from mmbdg.synthesis.filters.rejection_sampling import RejectionSampling
from mmbdg.synthesis.filters.uncertainty_filter import UncertaintyFilter

__all__ = [
    'EarlyRejection',
    'Filter',
    'FilterBatch',
    'ForegroundFilter',
    'RejectionSampling',
    'UncertaintyFilter',
    'build_filters',
]
