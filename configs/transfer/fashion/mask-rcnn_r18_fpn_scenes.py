"""Transfer to detection and instance segmentation on two cores: Mask R-CNN R18-FPN on scenes of the embedded garments.

    python tools/train.py configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py --cfg-options pretrained=BACKBONE
    python tools/test.py  configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py work_dirs/mask-rcnn_r18_fpn_scenes/iter_240.pth

This is a small version of the COCO config: batch norm in backbone, FPN and heads as in MoCo, all layers are trained, and the final batch
statistics are computed after the training. Widths, sizes and schedule are ours. Results: docs/transfer/scenes.md.
"""

_base_ = ['../../_base_/transfer/detectron2.py', '../../_base_/transfer/mask-rcnn_r50_fpn_syncbn.py']

pretrained = 'work_dirs/densecl_biggan_fpn/backbone.safetensors'  # None: random initialisation
iterations = 240

# The backbone was pre-trained with dilation 2 in its last stage. Here this stage has stride 2, as usual for an FPN; the weights fit.
model = dict(
    backbone=dict(depth=18, init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)),
    neck=dict(in_channels=[64, 128, 256, 512], out_channels=64),
    rpn_head=dict(in_channels=64, feat_channels=64, anchor_generator=dict(scales=[4])),  # smallest anchors: 16 px
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=64, finest_scale=28),  # a box of 56 px uses the level that a box of 112 px uses for COCO
        bbox_head=dict(in_channels=64, conv_out_channels=64, fc_out_channels=256, num_classes=10),
        mask_roi_extractor=dict(out_channels=64, finest_scale=28),
        mask_head=dict(in_channels=64, conv_out_channels=64, num_classes=10),
    ),
    train_cfg=dict(rpn=dict(sampler=dict(num=64)), rpn_proposal=dict(nms_pre=500, max_per_img=200), rcnn=dict(sampler=dict(num=64))),
    test_cfg=dict(rpn=dict(nms_pre=500, max_per_img=100), rcnn=dict(max_per_img=20)),
)

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    dataset=dict(
        type='mmbdg.FashionScenes',
        split='train',
        count=1000,
        pipeline=[
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackDetInputs', meta_keys=('img_id', 'ori_shape', 'img_shape', 'flip', 'flip_direction')),
        ],
    ),
)
val_dataloader = dict(
    batch_size=10,
    num_workers=0,
    dataset=dict(
        type='mmbdg.FashionScenes',
        split='test',
        count=200,
        test_mode=True,
        pipeline=[
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='PackDetInputs', meta_keys=('img_id', 'ori_shape', 'img_shape', 'scale_factor', 'instances')),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='CocoMetric', metric=['bbox', 'segm'])
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=60)
optim_wrapper = dict(optimizer=dict(lr=0.04))  # four times MoCo's value for 8 images, because there are few iterations
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=51),
    dict(type='MultiStepLR', milestones=[160, 216], gamma=0.1, by_epoch=False),
]
custom_hooks = [dict(type='mmbdg.PreciseBNHook', iterations=20)]
default_hooks = dict(checkpoint=dict(interval=-1))

requires = dict(
    pretrained='a pre-trained backbone: python tools/extract_backbone.py work_dirs/densecl_biggan_fpn/iter_240.pth '
    'work_dirs/densecl_biggan_fpn/backbone.safetensors'
)
