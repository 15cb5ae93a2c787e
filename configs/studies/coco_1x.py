"""COCO with Mask R-CNN R50-FPN, 1x schedule (paper, Table 3).

python tools/study.py configs/studies/coco_1x.py work_dirs/coco_1x --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco.py'
measured = 'coco'
published = [
    (31.0, 46.8, 30.4, 28.5, 46.8, 30.4),  # random init.; as printed in the paper; the second and third values repeat those of the masks
    (38.9, 59.6, 42.7, 35.4, 56.5, 38.1),  # supervised
    (38.9, 59.2, 42.4, 35.4, 56.2, 37.8),  # MoCo-v2
    (39.4, 59.9, 42.7, 35.6, 56.7, 38.2),  # DenseCL
    (39.8, 60.4, 43.7, 35.9, 57.3, 38.2),  # BigGAN-sim-FPN
]
paper = 'Table 3 (a)'
