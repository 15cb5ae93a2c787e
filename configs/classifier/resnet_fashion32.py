"""Classifier for rejection sampling, trained on the embedded real images and their class labels.

    python tools/train.py configs/classifier/resnet_fashion32.py        # 4 minutes on two cores

Writes classifier.safetensors to the work dir.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/resnet_fashion32.py']

model = _base_.classifier

images = dict(type='mmbdg.FashionMNIST32')
train_dataloader = dict(
    batch_size=128,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='train', pipeline=[dict(type='RandomCrop', crop_size=32, padding=2), dict(type='PackInputs')], **images),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(split='test', pipeline=[dict(type='PackInputs')], **images),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='Accuracy', topk=(1,))

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=20, val_interval=5)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True))
param_scheduler = dict(type='CosineAnnealingLR', T_max=20, by_epoch=True, convert_to_iter_based=True)
default_hooks = dict(checkpoint=dict(by_epoch=True))
log_processor = dict(by_epoch=True)
custom_hooks = [dict(type='mmbdg.ExportWeightsHook', prefix='', filename='classifier.safetensors')]
next_step = 'python tools/train.py configs/gan/biggan_fashion32.py'
