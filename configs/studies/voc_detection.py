"""VOC detection with Faster R-CNN R50-C4, 24k iterations (paper, Table 4).

python tools/study.py configs/studies/voc_detection.py work_dirs/voc_detection --cfg-options ours=BACKBONE.safetensors
"""

_base_ = '_base_/papers_table.py'

transfer_config = 'configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py'
measured = 'voc'
published = [
    (33.8, 60.2, 33.1),  # random init.
    (53.5, 81.3, 58.8),  # supervised
    (57.0, 82.4, 63.6),  # MoCo-v2
    (58.7, 82.8, 65.2),  # DenseCL
    (58.2, 83.0, 65.5),  # BigGAN-sim-FPN
]
paper = 'Table 4, detection'
