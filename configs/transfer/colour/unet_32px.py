"""A small U-Net on the garments in colour, from random weights (docs/colour_garments.md).

    python tools/train.py configs/transfer/colour/unet_32px.py                                        # all 10,000 masks, 11 classes
    python tools/train.py configs/transfer/colour/unet_32px.py --cfg-options label_fraction=0.005     # 50 masks
    python tools/train.py configs/transfer/colour/unet_32px.py --cfg-options label_space=fgbg         # foreground and background

The network is that of configs/transfer/fashion/unet_32px_light.py.
"""

_base_ = [
    '../../_base_/runtime.py',
    '../../_base_/models/unet_light.py',
    '../../_base_/datasets/batches_of_32.py',
    '../../_base_/datasets/colour32_seg_test.py',
]

default_scope = 'mmseg'
label_space = 'classes'  # or 'fgbg', or {label: classes}
label_classes = 'fashion32'  # num_labels and ignore are derived from label_space and label_classes
num_labels = 11
label_fraction = 1.0  # fraction of the images of each class, at least one image
label_seed = 0  # seed of the selection of these images
iterations = 1500
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
    backbone=_base_.unet,
    decode_head=dict(num_classes=num_labels, **_base_.pixelwise_head),
    test_cfg=dict(mode='whole'),
)
train_dataloader = dict(
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.ColourGarments',
        split='train',
        label_space=label_space,
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

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(500, iterations))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-3, weight_decay=1e-2))
warm_up = iterations // 10
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=warm_up, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=warm_up, T_max=iterations - warm_up, by_epoch=False),
]
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]
next_step = 'python tools/test.py {config} {checkpoint}'
