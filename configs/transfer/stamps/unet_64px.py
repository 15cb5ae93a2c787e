"""A small U-Net on the domain stamps64 (docs/stamps.md), from random weights: what 50, 500 and all real masks give.

    python tools/train.py configs/transfer/stamps/unet_64px.py                                          # all 8,000 training images
    python tools/train.py configs/transfer/stamps/unet_64px.py --cfg-options subset=50 label_space=fgbg

It is the network of configs/transfer/fashion/unet_32px_light.py with a first convolution of stride 2: logits have 32 px and are enlarged.
"""

_base_ = ['../../_base_/runtime.py', '../../_base_/models/unet_light.py', '../../_base_/datasets/stamps64.py']

default_scope = 'mmseg'
iterations = 1500

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
    backbone=dict(_base_.unet, strides=(2, 1, 1, 1)),
    decode_head=dict(num_classes=len(_base_.labels), **_base_.pixelwise_head),
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
