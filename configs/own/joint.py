"""Joint pre-training on your images and the synthetic ones."""

_base_ = ['dataset.py', 'mmbdg::_base_/models/joint_densecl_r18_64px.py']

work_dir = f'{_base_.work_root}/joint'
synthetic = f'{_base_.data_root}/synthetic'
iterations = 20000
num_labels = len(_base_.class_names) + 1
model = dict(queue_len=4096, seg_head=dict(num_classes=num_labels))

view = [
    dict(type='RandomResizedCrop', scale=_base_.resolution, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='RandomApply', transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)], prob=0.8),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
size = (_base_.resolution, _base_.resolution)
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='mmbdg.AddressedSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.JointDataset',
        ssl=dict(
            type='mmbdg.ImageFolder',
            data_root=f'{_base_.data_root}/images',
            class_names=_base_.class_names,
            pipeline=[dict(type='LoadImageFromFile'), dict(type='MultiView', num_views=2, transforms=[view]), dict(type='PackInputs')],
        ),
        seg=dict(
            type='mmbdg.SyntheticSegDataset',
            data_root=synthetic,
            label_space='classes',
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='mmseg.LoadAnnotations'),
                dict(
                    type='mmbdg.AugmentLabelled',
                    size=size,
                    area=(0.45, 1.0),
                    ratio=(1.0, 1.0),
                    brightness=0.4,
                    contrast=0.4,
                    saturation=0.4,
                    hue=0.1,
                    jitter=0.8,
                    grayscale=0.2,
                    blur=0.5,
                    blur_sigma=(0.1, 1.0),
                ),  # fmt: skip
                dict(type='mmseg.PackSegInputs'),
            ],
        ),
    ),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False)
custom_hooks = [dict(type='mmbdg.QueueReportHook')]
requires = dict(synthetic=f'the labelled images: python tools/synthesize.py configs/own/synthesis.py {synthetic}')
next_step = 'python tools/extract_backbone.py {checkpoint} ' + f'{_base_.work_root}/backbone.safetensors'
default_hooks = dict(checkpoint=dict(interval=1000))
