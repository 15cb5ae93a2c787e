"""The embedded real images with class labels, to train generators: batches of training images, and 1,000 of them for validation."""

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='train', pipeline=[dict(type='PackInputs')]),
)
val_dataloader = dict(  # training images: checkpoints must not be chosen by test images
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='train', label_fraction=0.1, pipeline=[dict(type='PackInputs')]),
)
