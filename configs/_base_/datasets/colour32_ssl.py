"""Garments in colour without labels: two views of 64 px for each image, with the augmentations of MoCo v2 and DenseCL."""

_base_ = 'fashion32_ssl.py'

ssl_dataset = dict(
    type='mmbdg.ColourGarments',
    split='train',
    masks=False,
    pipeline=[dict(type='MultiView', num_views=2, transforms=[_base_.view]), dict(type='PackInputs')],
)
