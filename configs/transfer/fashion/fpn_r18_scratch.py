"""The network of the transfers, trained to convergence with all real labels and without pre-training.

    python tools/train.py configs/transfer/fashion/fpn_r18_scratch.py
    python tools/test.py  configs/transfer/fashion/fpn_r18_scratch.py work_dirs/fpn_r18_scratch/iter_1500.pth

The reference is unet_32px.py.
"""

_base_ = 'fpn_r18.py'

pretrained = None
iterations = 1500

train_cfg = dict(val_interval=250)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False),
]
requires = dict(_delete_=True)
