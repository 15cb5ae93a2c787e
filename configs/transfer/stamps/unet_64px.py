"""A small U-Net on the domain stamps64 (docs/stamps.md), from random weights: what 50, 500 and all real masks give.

    python tools/train.py configs/transfer/stamps/unet_64px.py                                          # all 8,000 training images
    python tools/train.py configs/transfer/stamps/unet_64px.py --cfg-options subset=50 label_space=fgbg

It is the network of configs/transfer/fashion/unet_32px_light.py with a first convolution of stride 2: logits have 32 px and are enlarged.
"""

_base_ = ['../../_base_/runtime.py', '../../_base_/datasets/stamps64.py']

default_scope = 'mmseg'
iterations = 1500
width = 16
levels = 4

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=_base_.size,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='UNet',
        base_channels=width,
        num_stages=levels,
        strides=(2, *(1,) * (levels - 1)),
        enc_num_convs=(2,) * levels,
        dec_num_convs=(2,) * (levels - 1),
        downsamples=(True,) * (levels - 1),
        enc_dilations=(1,) * levels,
        dec_dilations=(1,) * (levels - 1),
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=width,
        in_index=levels - 1,
        channels=width,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=len(_base_.labels),
        align_corners=False,
        # mmseg's 0.01 is for hundreds of channels: with 16, all classes become background for hundreds of iterations.
        init_cfg=dict(type='Normal', std=0.25, override=dict(name='conv_seg')),
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False),
    ),
    test_cfg=dict(mode='whole'),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False),
]
requires = dict(data_root='the images: python tools/dataset_converters/stamps.py PACKAGES {data_root} (docs/stamps.md)')
next_step = 'python tools/test.py {config} {checkpoint}'
