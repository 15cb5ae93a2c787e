"""The first 150 of DenseCL's 200 epochs on ImageNet, from which the joint pre-training starts (paper). No such checkpoint is public.

tools/dist_train.sh configs/densecl_r50_150of200ep_in1k.py 8
"""

_base_ = 'densecl_r50_200ep_in1k.py'

train_cfg = dict(max_epochs=150)  # T_max of the cosine schedule stays 200, so the learning rate ends at 0.0044
next_step = 'tools/dist_train.sh configs/densecl_biggan_fpn_in1k.py 8'
