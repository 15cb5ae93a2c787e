"""Joint pre-training on your images and the synthetic images. The segmentation head is tested on your labelled images at the end."""

_base_ = ['networks.py', 'mmbdg::_base_/models/joint_densecl_r18_64px.py', 'mmbdg::_base_/runtime.py']

from mmbdg.own_images import verdict

work_dir = f'{_base_.work_root}/joint'
synthetic = f'{_base_.data_root}/synthetic'
iterations = _base_.plan['iterations']['joint']
colour = 0 if _base_.plan['grey'] else 1  # grey images have no hue
test_root = f'{_base_.data_root}/labelled/test'
size = _base_.segmentation.size
model = dict(
    queue_len=4096,
    seg_head=dict(num_classes=len(_base_.segmentation.labels)),
    data_preprocessor=dict(seg=dict(size=size, mean=_base_.mean, std=_base_.std), ssl=dict(mean=_base_.mean, std=_base_.std)),
)

jitter = dict(brightness=0.4, contrast=0.4, saturation=0.4 * colour, hue=0.1 * colour)
view = [
    dict(type='RandomResizedCrop', scale=size, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='RandomApply', transforms=[dict(type='ColorJitter', **jitter)], prob=0.8),
    dict(type='RandomGrayscale', prob=0.2 * colour, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)),
    dict(type='GaussianBlur', magnitude_range=(0.1, 1.0), magnitude_std='inf', prob=0.5),
    dict(type='RandomFlip', prob=0.5),
]
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
            pipeline=[_base_.load_image, dict(type='MultiView', num_views=2, transforms=[view]), dict(type='PackInputs')],
        ),
        seg=dict(
            type='mmbdg.SyntheticSegDataset',
            data_root=synthetic,
            label_space=_base_.label_space,
            pipeline=[
                _base_.load_image,
                dict(type='mmbdg.LoadMask'),
                dict(
                    type='mmbdg.AugmentLabelled',
                    size=size,
                    area=(0.45, 1.0),
                    ratio=(1.0, 1.0),
                    **jitter,
                    jitter=0.8,
                    grayscale=0.2 * colour,
                    blur=0.5,
                    blur_sigma=(0.1, 1.0),
                ),  # fmt: skip
                dict(type='mmseg.PackSegInputs'),
            ],
        ),
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.LabelledFolder',
        data_root=test_root,
        metainfo=dict(classes=_base_.segmentation.labels),
        label_map=_base_.segmentation.label_map,
        pipeline=[
            _base_.load_image,
            dict(type='mmseg.Resize', scale=size),
            dict(type='mmbdg.LoadMask'),
            dict(type='mmseg.PackSegInputs'),
        ],
        test_mode=True,
    ),
)
val_dataloader = test_dataloader  # only at the end; no checkpoint is selected with it
val_evaluator = test_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
val_cfg = test_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(1000, iterations)))
custom_hooks = [
    dict(type='mmbdg.QueueReportHook'),
    verdict('joint', what=f'mIoU of the head on {test_root}, which saw synthetic masks only'),
]
requires = dict(
    synthetic='the labelled images: python tools/synthesize.py {config_dir}/synthesis.py ' + synthetic,
    test_root='labelled images to measure on: images/* and masks/*.png',
)
next_step = (
    'python tools/extract_backbone.py {checkpoint} '
    + f'{_base_.work_root}/backbone.safetensors'
    + ' && python tools/train.py {config_dir}/transfer.py'
)
