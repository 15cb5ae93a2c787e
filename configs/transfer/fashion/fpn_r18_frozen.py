"""Transfer: an FPN decoder on a frozen ResNet-18, 11 classes, on a part of the real labels.

    python tools/train.py configs/transfer/fashion/fpn_r18_frozen.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/fpn_r18_frozen.py work_dirs/fpn_r18_frozen/iter_300.pth

As fpn_r18.py, but the backbone keeps what it has.
"""

_base_ = 'fpn_r18.py'

iterations = 300
model = dict(backbone=dict(frozen_stages=4, norm_eval=True, norm_cfg=dict(requires_grad=False)))
