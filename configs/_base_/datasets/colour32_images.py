"""Garments in colour with class labels, to train generators: batches of training images, and 1,000 of them for validation.

The images are BGR: the data preprocessor of a generator needs bgr_to_rgb=True.
"""

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ColourGarments', split='train', masks=False, pipeline=[dict(type='PackInputs')]),
)
val_dataloader = dict(  # training images: checkpoints must not be chosen by test images
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ColourGarments', split='train', masks=False, label_fraction=0.1, pipeline=[dict(type='PackInputs')]),
)
