"""A small U-Net of four levels on 32 px, from random weights, for comparisons of small training sets.

    python tools/train.py configs/transfer/fashion/unet_32px_light.py                              # all 10,000 real images
    python tools/train.py configs/transfer/fashion/unet_32px_light.py --cfg-options label_fraction=0.1    # 1,000 real images

It has 0.45 million weights, unet_32px.py has 7.2 million. With 1,000 real images and 3,200 iterations it is not better than with 1,600
(docs/generators_compared.md).
"""

_base_ = 'unet_32px.py'

iterations = 1600
width = 16
levels = 4

model = dict(
    backbone=dict(
        base_channels=width,
        num_stages=levels,
        strides=(1,) * levels,
        enc_num_convs=(2,) * levels,
        dec_num_convs=(2,) * (levels - 1),
        downsamples=(True,) * (levels - 1),
        enc_dilations=(1,) * levels,
        dec_dilations=(1,) * (levels - 1),
    ),
    decode_head=dict(
        in_channels=width,
        in_index=levels - 1,
        channels=width,
        # mmseg's 0.01 is for hundreds of channels. With 16, the logits stay near 0 for hundreds of iterations and all classes
        # become background; 0.25 is 1 / sqrt(16).
        init_cfg=dict(type='Normal', std=0.25, override=dict(name='conv_seg')),
    ),
)
train_cfg = dict(val_interval=min(400, iterations))
optim_wrapper = dict(optimizer=dict(lr=5e-3))
