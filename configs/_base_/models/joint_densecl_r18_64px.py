"""DenseCL on a ResNet-18 for 64 px, with an FPN segmentation head.

Every type has its scope, because configs of other packages can inherit this file.
"""

_base_ = 'resnet18_64px.py'

norm_cfg = dict(type='SyncBN')  # replaced by BN for a single process or without a GPU
rgb = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
model = dict(
    type='mmbdg.JointDenseCL',
    data_preprocessor=dict(
        type='mmbdg.JointDataPreprocessor',
        ssl=dict(type='mmpretrain.SelfSupDataPreprocessor', to_rgb=True, **rgb),
        seg=dict(type='mmseg.SegDataPreProcessor', bgr_to_rgb=True, size=(64, 64), seg_pad_val=255, **rgb),
    ),
    backbone=dict(out_indices=(3,), norm_cfg=norm_cfg, **_base_.backbone),
    neck=dict(type='mmpretrain.DenseCLNeck', in_channels=512, hid_channels=512, out_channels=128, num_grid=None),
    head=dict(type='mmpretrain.ContrastiveHead', loss=dict(type='mmpretrain.CrossEntropyLoss', loss_weight=1.0), temperature=0.2),
    queue_len=2048,  # DenseCL: 65536
    feat_dim=128,
    momentum=0.001,
    loss_lambda=0.5,
    seg_neck=_base_.fpn,
    seg_head=dict(norm_cfg=norm_cfg, **_base_.fpn_head),
)
