"""A segmentor (FPN) on your labelled images, from the pre-trained backbone."""

_base_ = ['dataset.py', 'mmbdg::_base_/models/resnet18_64px.py']

default_scope = 'mmseg'
work_dir = f'{_base_.work_root}/transfer'
pretrained = f'{_base_.work_root}/backbone.safetensors'
iterations = 2000
train_root, test_root = f'{_base_.data_root}/labelled/train', f'{_base_.data_root}/labelled/test'
size = (_base_.resolution, _base_.resolution)
labels = ('background', *_base_.class_names)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', mean=_base_.mean, std=_base_.std, bgr_to_rgb=True, size=size, seg_pad_val=255),
    backbone=dict(
        norm_cfg=dict(type='SyncBN'),
        out_indices=(0, 1, 2, 3),
        init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained),
        **_base_.backbone,
    ),
    neck=_base_.fpn,
    decode_head=dict(_base_.fpn_head, num_classes=len(labels), norm_cfg=dict(type='SyncBN')),
    test_cfg=dict(mode='whole'),
)
dataset = dict(type='mmbdg.LabelledFolder', metainfo=dict(classes=labels))
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        data_root=train_root,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(type='RandomResize', scale=size, ratio_range=(1.0, 1.5), resize_type='mmseg.Resize'),
            dict(type='RandomCrop', crop_size=size),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        data_root=test_root,
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=size),
            dict(type='LoadAnnotations'),
            dict(type='PackSegInputs'),
        ],
        test_mode=True,
        **dataset,
    ),
)
test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=iterations, by_epoch=False)
requires = dict(
    train_root='labelled images to train on: images/* and masks/*.png',
    test_root='labelled images to measure on: images/* and masks/*.png',
    pretrained=f'the pre-trained backbone: python tools/extract_backbone.py CHECKPOINT {pretrained}',
)
default_hooks = dict(checkpoint=dict(interval=1000))
