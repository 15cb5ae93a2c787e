"""densecl_biggan_fpn_in1k.py, started from the published weights of DenseCL after 200 epochs, so that no 150 epochs are trained first.

    tools/dist_train.sh configs/densecl_biggan_fpn_from200ep_in1k.py 8

This variant is not in the paper: the backbone is trained for 250 epochs in total, the baseline for 200. The learning rate is that of the
paper's last 50 epochs (0.0044 to 0). Not run by us.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

load_from = 'data/weights/densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth'
requires = dict(
    load_from='https://download.openmmlab.com/mmselfsup/1.x/densecl/densecl_resnet50_8xb32-coslr-200e_in1k/'
    'densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth'
)
