"""COCO with Mask R-CNN R50-FPN, 2x schedule (paper, Table 3).

python tools/study.py configs/studies/coco_2x.py work_dirs/coco_2x --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/coco/mask-rcnn_r50_fpn_2x_coco.py'
measured = 'coco'
published = [
    (36.7, 56.7, 40.0, 33.7, 53.8, 35.9),  # random init.
    (40.6, 61.3, 44.4, 36.8, 58.1, 39.5),  # supervised
    (40.9, 61.5, 44.6, 37.0, 58.4, 39.6),  # MoCo-v2
    (41.2, 61.9, 45.1, 37.3, 58.9, 40.1),  # DenseCL
    (41.5, 62.2, 45.4, 37.5, 59.0, 40.5),  # BigGAN-sim-FPN
]
paper = 'Table 3 (b)'
