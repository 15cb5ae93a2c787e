"""As densecl_biggan_fpn_in1k.py, from the published weights of DenseCL's whole 200 epochs: no 150 epochs to train first.

    tools/dist_train.sh configs/densecl_biggan_fpn_from200ep_in1k.py 8

Ours, not the paper's: these backbones have seen ImageNet 250 times, the baseline 200 times. The learning rate is that of the paper's last
50 epochs (0.0044 to 0). Not run by us.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

load_from = 'data/weights/densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth'
requires = dict(
    load_from='https://download.openmmlab.com/mmselfsup/1.x/densecl/densecl_resnet50_8xb32-coslr-200e_in1k/'
    'densecl_resnet50_8xb32-coslr-200e_in1k_20220825-3078723b.pth'
)
