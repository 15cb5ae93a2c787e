"""Train a segmentor (FPN) on your labelled images, from the pre-trained backbone. It is tested on other labelled images at the end."""

_base_ = ['networks.py', 'mmbdg::_base_/models/resnet18_64px.py', 'mmbdg::_base_/runtime.py']

from mmbdg.own_images import verdict

default_scope = 'mmseg'
work_dir = f'{_base_.work_root}/transfer'
pretrained = f'{_base_.work_root}/backbone.safetensors'
iterations = _base_.plan['iterations']['transfer']
train_root, test_root = f'{_base_.data_root}/labelled/train', f'{_base_.data_root}/labelled/test'
size, labels = _base_.segmentation.size, _base_.segmentation['labels']
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
dataset = dict(type='mmbdg.LabelledFolder', metainfo=dict(classes=labels), label_map=_base_.segmentation.label_map)
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
            _base_.load_image,
            dict(type='mmbdg.LoadMask'),
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
            _base_.load_image,
            dict(type='Resize', scale=size),
            dict(type='mmbdg.LoadMask'),
            dict(type='PackSegInputs'),
        ],
        test_mode=True,
        **dataset,
    ),
)
val_dataloader = test_dataloader  # only at the end; no checkpoint is selected with it
val_evaluator = test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
val_cfg = test_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(1000, iterations)))
custom_hooks = [verdict('transfer', what=f'mIoU on {test_root}')]
requires = dict(
    train_root='labelled images to train on: images/* and masks/*.png',
    test_root='labelled images to measure on: images/* and masks/*.png',
    pretrained='the pre-trained backbone: python tools/train.py {config_dir}/joint.py, then python tools/extract_backbone.py CHECKPOINT '
    + str(pretrained),
)
next_step = 'python tools/test.py {config_dir}/transfer.py {checkpoint}'
