"""COCO detection and instance segmentation: Mask R-CNN R50-FPN, Detectron2's 2x schedule (BigDatasetGAN, Table 3b).

    tools/dist_train.sh configs/transfer/coco/mask-rcnn_r50_fpn_2x_coco.py 8 --cfg-options pretrained=BACKBONE

All other settings are those of mask-rcnn_r50_fpn_1x_coco.py. Not run by us at this size.
"""

_base_ = 'mask-rcnn_r50_fpn_1x_coco.py'

iterations = 180000  # Detectron2's 2x schedule
train_cfg = dict(max_iters=iterations, val_interval=iterations)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1001),  # Detectron2
    dict(type='MultiStepLR', milestones=[120000, 160000], gamma=0.1, by_epoch=False),  # Detectron2's 2x schedule
]
