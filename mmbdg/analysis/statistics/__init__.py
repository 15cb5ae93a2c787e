"""Statistics of masks: Table 1 of the paper and related measures."""
