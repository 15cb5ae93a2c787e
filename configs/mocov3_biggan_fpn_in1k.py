"""Joint pre-training with MoCo v3 (arXiv:2104.02057) instead of DenseCL: ImageNet and BigGAN-sim 100k, ResNet-50.

    tools/dist_train.sh configs/mocov3_biggan_fpn_in1k.py 8

Method, batch size (8 GPUs x 512), optimizer and schedule are those of mmpretrain, from the first epoch on. The segmentation branch is
that of densecl_biggan_fpn_in1k.py. Not in the paper, and not run by us.
"""

_base_ = ['mmpretrain::mocov3/mocov3_resnet50_8xb512-amp-coslr-100e_in1k.py', '_base_/joint_in1k.py']

model = dict(type='mmbdg.JointMoCoV3', **_base_.branch)
train_dataloader = dict(
    sampler=_base_.addressed_sampler,
    dataset=dict(ssl=dict(pipeline=_base_.train_pipeline, **_base_.real_images), **_base_.paired),
)
custom_hooks = _base_.seeing
