"""Comparison of pre-trainings: a linear head on the frozen ResNet-18, for several fractions of the labels (docs/pretraining_results.md).

    python tools/study.py configs/studies/frozen_linear.py work_dirs/frozen_linear --jobs 2

This is frozen_fpn.py with another head. With --steps work_dirs/steps for both studies, each backbone is trained only once.
"""

_base_ = 'frozen_fpn.py'

transfer_config = 'configs/transfer/fashion/linear_r18_frozen.py'
published = 'docs/transfer/linear_r18_frozen.json'
