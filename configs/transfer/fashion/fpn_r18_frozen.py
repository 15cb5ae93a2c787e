"""Transfer with a part of the real labels: an FPN decoder on a frozen ResNet-18, 11 classes.

    python tools/train.py configs/transfer/fashion/fpn_r18_frozen.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/fpn_r18_frozen.py work_dirs/fpn_r18_frozen/iter_300.pth

This is fpn_r18.py with a frozen backbone.
"""

_base_ = 'fpn_r18.py'

iterations = 300
model = dict(backbone=dict(frozen_stages=4, norm_eval=True, norm_cfg=dict(requires_grad=False)))
