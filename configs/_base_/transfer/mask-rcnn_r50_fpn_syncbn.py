"""Mask R-CNN R50-FPN with MoCo's fine-tuning settings: all layers are trained, with SyncBN in the backbone, the FPN and the heads.

The box head has four convolutions (as in mmpretrain's byol/benchmarks), because the default box head has no norm layers.
"""

_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

norm = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, norm_cfg=norm, norm_eval=False),  # as Detectron2's FREEZE_AT 0; frozen_stages=0 would freeze the stem
    neck=dict(norm_cfg=norm),
    roi_head=dict(bbox_head=dict(type='Shared4Conv1FCBBoxHead', norm_cfg=norm), mask_head=dict(norm_cfg=norm)),
)
