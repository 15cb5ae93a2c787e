"""Real images without labels: two views of 64 px for each image, with the augmentations of MoCo v2 and DenseCL."""

view = [
    dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='RandomApply', transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)], prob=0.8),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
ssl_dataset = dict(
    type='mmbdg.FashionMNIST32', split='train', pipeline=[dict(type='MultiView', num_views=2, transforms=[view]), dict(type='PackInputs')]
)
