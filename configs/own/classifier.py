"""A classifier of your classes. Writes classifier.safetensors."""

_base_ = 'dataset.py'

work_dir = f'{_base_.work_root}/classifier'
classifier = dict(
    type='mmpretrain.ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(type='ClsDataPreprocessor', num_classes=len(_base_.class_names), mean=_base_.mean, std=_base_.std, to_rgb=True),
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=32, base_channels=32, out_indices=(3,)),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=len(_base_.class_names), in_channels=256, loss=dict(type='CrossEntropyLoss')),
)
model = classifier

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.ImageFolder',
        data_root=f'{_base_.data_root}/images',
        class_names=_base_.class_names,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='RandomResizedCrop', scale=_base_.resolution, crop_ratio_range=(0.6, 1.0), backend='pillow'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackInputs'),
        ],
    ),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True))
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=False)
custom_hooks = [dict(type='mmbdg.ExportWeightsHook', prefix='', filename='classifier.safetensors')]
default_hooks = dict(checkpoint=dict(interval=1000))
