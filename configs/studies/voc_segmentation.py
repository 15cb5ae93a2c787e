"""VOC semantic segmentation with an FCN, 20k iterations (paper, Table 4 and Figure 10).

python tools/study.py configs/studies/voc_segmentation.py work_dirs/voc_segmentation --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/voc/fcn_r50-d8_20k_voc12aug.py'
measured = 'semantic'
published = [
    (40.7,),  # random init.
    (67.7,),  # supervised
    (67.5,),  # MoCo-v2
    (69.2,),  # DenseCL
    (69.7,),  # BigGAN-sim-FPN
]
paper = 'Table 4, semantic segmentation'
