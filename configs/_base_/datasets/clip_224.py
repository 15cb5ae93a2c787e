"""open_clip's transforms of images at 224 px, as transforms of mmpretrain; those of a test give the same pixels as open_clip's."""

train_pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(  # open_clip's default augmentation, the only one in the released code of "The Unmet Promise"
        type='RandomResizedCrop', scale=224, crop_ratio_range=(0.9, 1.0), backend='pillow', interpolation='bicubic'
    ),
    dict(type='PackInputs'),
]
test_pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(type='ResizeEdge', scale=224, edge='short', backend='pillow', interpolation='bicubic'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackInputs'),
]
