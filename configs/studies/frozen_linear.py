"""What pre-training is worth: a linear head on a frozen ResNet-18, by the fraction of labels (README).

    python tools/study.py configs/studies/frozen_linear.py work_dirs/frozen_linear --jobs 2

As frozen_fpn.py with another head; with --steps work_dirs/steps for both, each backbone is made once.
"""

_base_ = 'frozen_fpn.py'

transfer_config = 'configs/transfer/fashion/linear_r18_frozen.py'
published = 'docs/transfer/linear_r18_frozen.json'
