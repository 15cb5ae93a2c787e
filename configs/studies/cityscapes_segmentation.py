"""Cityscapes semantic segmentation with an FCN, 40k iterations (paper, Table 6).

python tools/study.py configs/studies/cityscapes_segmentation.py work_dirs/cityscapes_segmentation --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/cityscapes/fcn_r50-d8_40k_cityscapes-769x769.py'
measured = 'semantic'
published = [
    (63.5,),  # random init.
    (73.7,),  # supervised
    (74.5,),  # MoCo-v2
    (75.7,),  # DenseCL
    (75.6,),  # BigGAN-sim-FPN
]
paper = 'Table 6, semantic segmentation'
