"""Baseline with segmentation alone: densecl_biggan_fpn.py without the contrastive branch and without real images.

    python tools/train.py configs/baselines/segmentation_fashion.py

Backbone, FPN neck and head, synthetic images, augmentation, batch size, optimizer and number of iterations are the same.
"""

_base_ = ['../densecl_biggan_fpn.py']

default_scope = 'mmseg'
model = dict(
    _delete_=True,
    type='mmseg.EncoderDecoder',
    data_preprocessor=_base_.model.data_preprocessor.seg,
    backbone=dict(_base_.model.backbone, out_indices=(0, 1, 2, 3)),
    neck=_base_.model.seg_neck,
    decode_head=_base_.model.seg_head,
    test_cfg=dict(mode='whole'),
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(_delete_=True, **_base_.seg_dataset),
)
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook', interval=80)]
