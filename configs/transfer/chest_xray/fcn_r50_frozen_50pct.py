"""fcn_r50_frozen_100pct.py with 50 % of the labels: 368 images (paper, Table 5)."""

_base_ = 'fcn_r50_frozen_100pct.py'

label_fraction = 0.5
