"""A small classifier of the garments, trained from random weights with real or made images. The test images are real.

    python tools/train.py configs/transfer/fashion/classifier_32px.py                                    # 1,000 real images
    python tools/synthesize.py configs/synthesis/diffusion_fashion32.py data/garments_diffusion
    python tools/train.py configs/transfer/fashion/classifier_32px.py --cfg-options images=data/garments_diffusion

The network is that of the embedded classifier (0.18 M weights). The number of iterations is the same for every number of images.
"""

_base_ = '../../_base_/classifier_fashion32.py'

images = None  # a dataset of tools/synthesize.py, with or without masks; None: real images
number = 1000  # images, equally many of each class; a smaller set is part of a larger one

if images is None:
    source, loading = dict(type='mmbdg.FashionMNIST32', split='train', label_fraction=number / 10000), []
else:
    source = dict(type='mmbdg.ImageFolder', data_root=f'{images}/images', class_names='fashion32', most=number)
    loading = [dict(type='mmbdg.LoadImage')]
    requires = dict(images='images to train with: python tools/synthesize.py configs/synthesis/diffusion_fashion32.py OUT_DIR')
train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        pipeline=[*loading, dict(type='RandomCrop', crop_size=32, padding=2), dict(type='RandomFlip', prob=0.5), dict(type='PackInputs')],
        **source,
    ),
)
