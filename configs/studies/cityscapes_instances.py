"""Cityscapes instance segmentation with Mask R-CNN, 90k iterations (paper, Table 6).

python tools/study.py configs/studies/cityscapes_instances.py work_dirs/cityscapes_instances --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py'
measured = 'cityscapes'
published = [
    (25.4, 51.1),  # random init.
    (32.9, 59.6),  # supervised
    (33.7, 61.8),  # MoCo-v2
    (34.5, 62.1),  # DenseCL
    (34.8, 62.9),  # BigGAN-sim-FPN
]
paper = 'Table 6, instance segmentation'
