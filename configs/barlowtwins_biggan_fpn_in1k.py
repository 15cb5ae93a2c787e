"""Joint pre-training with Barlow Twins (arXiv:2103.03230) instead of DenseCL: ImageNet and BigGAN-sim 100k, ResNet-50.

    tools/dist_train.sh configs/barlowtwins_biggan_fpn_in1k.py 8

Method, batch size (8 GPUs x 256), optimizer and schedule are those of mmpretrain, from the first epoch on. The segmentation branch is
that of densecl_biggan_fpn_in1k.py. Not in the paper, and not run by us.
"""

_base_ = ['mmpretrain::barlowtwins/barlowtwins_resnet50_8xb256-coslr-300e_in1k.py', '_base_/joint_in1k.py']

model = dict(type='mmbdg.JointBarlowTwins', **_base_.branch)
train_dataloader = dict(
    sampler=_base_.addressed_sampler,
    dataset=dict(ssl=dict(pipeline=_base_.train_pipeline, **_base_.real_images), **_base_.paired),
)
custom_hooks = _base_.seeing
