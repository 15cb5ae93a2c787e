"""The first 150 of DenseCL's 200 epochs on ImageNet: where the joint pre-training starts. No such checkpoint is public.

tools/dist_train.sh configs/densecl_r50_150of200ep_in1k.py 8
"""

_base_ = 'mmpretrain::densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py'

imagenet = 'data/imagenet/'
train_dataloader = dict(dataset=dict(data_root=imagenet))
train_cfg = dict(max_epochs=150)  # the cosine keeps its T_max of 200
reach = dict(imagenet=['train_dataloader.dataset.data_root'])
requires = dict(imagenet='ImageNet-1k (ILSVRC2012): images in data/imagenet/train/<wnid>/*.JPEG')
