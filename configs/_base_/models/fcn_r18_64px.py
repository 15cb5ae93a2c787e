"""An FCN head on a ResNet-18 for 64 px: background and ten garments."""

_base_ = 'resnet18_64px.py'

model = dict(
    type='mmseg.EncoderDecoder',
    data_preprocessor=dict(
        type='mmseg.SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=(64, 64),
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(norm_cfg=dict(type='BN'), out_indices=(3,), **_base_.backbone),
    decode_head=dict(
        type='mmseg.FCNHead',
        _scope_='mmseg',
        in_channels=512,
        in_index=0,
        channels=128,
        num_convs=2,
        concat_input=True,
        dropout_ratio=0.1,
        num_classes=11,
        norm_cfg=dict(type='BN'),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False),
    ),
    test_cfg=dict(mode='whole'),
)
