"""Classifier of the garments in colour: it judges the generators of docs/colour_garments.md and filters their samples.

    python tools/train.py configs/classifier/resnet_colour32.py --amp

Writes classifier.safetensors to the work dir.
"""

_base_ = 'resnet_fashion32.py'

crop = dict(type='RandomCrop', crop_size=32, padding=3, padding_mode='reflect')
images = dict(_delete_=True, type='mmbdg.ColourGarments', masks=False)
model = dict(  # as in _base_/models/resnet_colour32.py
    data_preprocessor=dict(mean=[127.5] * 3, std=[64.0] * 3, to_rgb=True),
    backbone=dict(stem_channels=32, base_channels=32),
    head=dict(in_channels=128),
)
train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        split='train', pipeline=[crop, dict(type='RandomFlip', prob=0.5, direction='horizontal'), dict(type='PackInputs')], **images
    ),
)
val_dataloader = dict(dataset=dict(split='test', pipeline=[dict(type='PackInputs')], **images))
test_dataloader = val_dataloader
epochs = 30
train_cfg = dict(max_epochs=epochs, val_interval=5)
# with SGD as in resnet_fashion32.py (learning rate 0.1) the loss stays at chance
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, by_epoch=True, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=epochs - 1, by_epoch=True, convert_to_iter_based=True),
]
next_step = 'python tools/train.py configs/gan/biggan_colour32.py --cfg-options classifier_weights={work_dir}/classifier.safetensors'
