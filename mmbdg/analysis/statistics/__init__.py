"""Numbers from masks: Table 1 of the paper and what belongs to it."""
