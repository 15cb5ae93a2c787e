"""Reference for the garments: the best network that we found, trained with all real labels and without pre-training.

    python tools/train.py configs/transfer/fashion/unet_32px.py
    python tools/test.py  configs/transfer/fashion/unet_32px.py work_dirs/unet_32px/iter_4000.pth

It is a U-Net of five levels at the original 32 px, with logits at full resolution. The receptive field of shallower U-Nets is too small to
recognise a garment.
"""

_base_ = ['../../_base_/runtime.py', '../../_base_/datasets/batches_of_32.py', '../../_base_/datasets/fashion32_seg_test.py']

default_scope = 'mmseg'
label_fraction = 1.0  # fraction of the images of each class, at least one image
label_seed = 0  # seed of the selection of these images
iterations = 4000
size = (32, 32)

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        size=size,
        pad_val=0,
        seg_pad_val=255,
    ),
    backbone=dict(
        type='UNet',
        base_channels=32,
        num_stages=5,
        strides=(1,) * 5,
        enc_num_convs=(2,) * 5,
        dec_num_convs=(2,) * 4,
        downsamples=(True,) * 4,
        enc_dilations=(1,) * 5,
        dec_dilations=(1,) * 4,
        norm_cfg=dict(type='BN'),
    ),
    decode_head=dict(
        type='FCNHead',
        in_channels=32,
        in_index=4,
        channels=32,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=11,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False),
    ),
    test_cfg=dict(mode='whole'),
)
train_dataloader = dict(
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='train',
        label_space='classes',
        label_fraction=label_fraction,
        label_seed=label_seed,
        pipeline=[
            dict(type='RandomResize', scale=size, ratio_range=(1.0, 1.25), resize_type='mmseg.Resize'),
            dict(type='RandomCrop', crop_size=size),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
    ),
)
test_pipeline = [dict(type='mmseg.Resize', scale=size), dict(type='mmseg.PackSegInputs')]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
val_dataloader = test_dataloader

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=500)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=50, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False),
]
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]
next_step = 'python tools/test.py {config} {checkpoint}'
