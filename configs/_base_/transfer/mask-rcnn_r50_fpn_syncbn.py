"""Mask R-CNN, R50-FPN, as MoCo fine-tunes it: all layers are tuned, and SyncBN in the backbone, the FPN and the heads.

The head of the boxes has four convolutions then (mmpretrain's byol/benchmarks): fully connected layers have no batch statistics.
"""

_base_ = 'mmdet::_base_/models/mask-rcnn_r50_fpn.py'

norm = dict(type='SyncBN', requires_grad=True)
model = dict(
    backbone=dict(frozen_stages=-1, norm_cfg=norm, norm_eval=False),  # Detectron2's FREEZE_AT 0; mmdet's 0 would freeze the stem
    neck=dict(norm_cfg=norm),
    roi_head=dict(bbox_head=dict(type='Shared4Conv1FCBBoxHead', norm_cfg=norm), mask_head=dict(norm_cfg=norm)),
)
