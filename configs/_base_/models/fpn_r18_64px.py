"""ResNet-18 with an FPN decoder for 64 px and 11 labels: background and ten garment classes."""

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
    backbone=dict(norm_cfg=dict(type='BN'), out_indices=(0, 1, 2, 3), **_base_.backbone),
    neck=_base_.fpn,
    decode_head=dict(norm_cfg=dict(type='BN'), **_base_.fpn_head),
    test_cfg=dict(mode='whole'),
)
