"""A small classifier of the garments, trained with real and synthetic images together: more synthetic images, few labels, a long tail.

    python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion --num-per-class 600
    python tools/train.py configs/scaling/resnet_fashion32.py                                       # 1,000 real images, as many synthetic
    python tools/train.py configs/scaling/resnet_fashion32.py --cfg-options times=6
    python tools/train.py configs/scaling/resnet_fashion32.py --cfg-options fraction=0.01 times=6      # 100 real images
    python tools/train.py configs/scaling/resnet_fashion32.py --cfg-options imbalance=100              # synthetic images fill the tail
    python tools/train.py configs/scaling/resnet_fashion32.py --cfg-options times=0                    # real images alone: the control

Batches have 32 real images in every setting. All settings have the same number of iterations. docs/scaling.md.
"""

_base_ = '../_base_/classifier_fashion32.py'

fraction = 0.1  # of the 10,000 real images, equally many of each class; without effect if there is an imbalance
imbalance = None  # ratio of the largest to the smallest class of real images, e.g. 100; the largest has 1,000
times = 1  # synthetic images, as a multiple of the real ones; 0: none. With an imbalance, 1 or more fills each class to 1,000 images
ratio = 1  # synthetic images per real image in a batch
synthetic = 'work_dirs/biggan32_fashion'  # a dataset of tools/synthesize.py with masks
aux_norm = 'BN'  # normalisation layers of their own for synthetic images; None: shared layers
synthetic_loss_weight = 1.0

view = [dict(type='RandomCrop', crop_size=32, padding=2), dict(type='RandomFlip', prob=0.5), dict(type='PackInputs')]
photos = dict(type='mmbdg.FashionMNIST32', split='train', pipeline=view)
made = dict(type='mmbdg.SyntheticSegDataset', data_root=synthetic, pipeline=[dict(type='mmbdg.LoadImage'), *view])
if imbalance is None:
    parts = dict(
        real=dict(type='mmbdg.ClassSubset', fraction=fraction, dataset=photos),
        synthetic=dict(type='mmbdg.ClassSubset', per_class=max(1, round(times * fraction * 1000)), dataset=made),
    )
else:
    tail = dict(type='mmbdg.ClassSubset', imbalance=imbalance, most=1000)
    parts = dict(real=dict(tail, dataset=photos), synthetic=dict(tail, fill=True, dataset=made))
loading = dict(num_workers=1, persistent_workers=True, collate_fn=dict(type='default_collate'))
if times == 0:
    train_dataloader = dict(batch_size=32, dataset=parts['real'], sampler=dict(type='InfiniteSampler', shuffle=True), **loading)
else:
    model = dict(type='mmbdg.AuxNormClassifier', aux_norm=aux_norm, synthetic_loss_weight=synthetic_loss_weight)
    train_dataloader = dict(
        batch_size=32 * (1 + ratio),
        sampler=dict(_delete_=True, type='mmbdg.SourceRatioSampler', batch_size=32 * (1 + ratio), ratio=dict(real=1, synthetic=ratio)),
        dataset=dict(_delete_=True, type='mmbdg.MixedDataset', parts=parts),
    )
    requires = dict(
        synthetic='synthetic images: python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion '
        '--num-per-class 600'
    )
