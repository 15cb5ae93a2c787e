"""A small U-Net of four levels on 32 px, from random weights, for comparisons of small training sets.

    python tools/train.py configs/transfer/fashion/unet_32px_light.py                              # all 10,000 real images
    python tools/train.py configs/transfer/fashion/unet_32px_light.py --cfg-options label_fraction=0.1    # 1,000 real images

It has 0.45 million weights, unet_32px.py has 7.2 million. With 1,000 real images and 3,200 iterations it is not better than with 1,600
(docs/generators_compared.md).
"""

_base_ = ['unet_32px.py', '../../_base_/models/unet_light.py']

iterations = 1600

model = dict(backbone=dict(_delete_=True, **_base_.unet), decode_head=dict(_delete_=True, num_classes=11, **_base_.pixelwise_head))
train_cfg = dict(val_interval=min(400, iterations))
optim_wrapper = dict(optimizer=dict(lr=5e-3))
