"""Train a classifier of your classes. It is validated on a held-out tenth of the images. Writes classifier.safetensors."""

_base_ = 'networks.py'

work_dir = f'{_base_.work_root}/classifier'
images = f'{_base_.data_root}/images'
iterations = 5000
model = _base_.classifier
train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.ImageFolder',
        data_root=images,
        class_names=_base_.class_names,
        part='train',
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='RandomResizedCrop', scale=_base_.resolution, crop_ratio_range=(0.6, 1.0), backend='pillow'),
            dict(type='RandomFlip', prob=0.5),  # use 0 if a mirrored object has another meaning, e.g. letters, traffic signs
            dict(type='PackInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.ImageFolder',
        data_root=images,
        class_names=_base_.class_names,
        part='val',
        most=2000,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='ResizeEdge', scale=_base_.resolution, edge='short', backend='pillow'),
            dict(type='CenterCrop', crop_size=_base_.resolution),
            dict(type='PackInputs'),
        ],
    ),
)
val_evaluator = dict(type='mmpretrain.Accuracy', topk=(1,))
val_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=max(1, iterations // 10))
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True))
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=max(1, iterations // 10), save_best='accuracy/top1', rule='greater'))
custom_hooks = [
    dict(type='mmbdg.ExportWeightsHook', prefix='', filename='classifier.safetensors', config='model'),
    dict(
        type='mmbdg.VerdictHook',
        metric='accuracy/top1',
        what='% of the held-out images are named right',
        enough=80,
        otherwise='train longer, look for images in wrong folders, or put classes together that look alike',
    ),
]
requires = dict(images='your images, a folder for each class: <class>/*.png|jpg')
next_step = 'python tools/train.py {config_dir}/gan.py'
