"""Joint pre-training of a plain ViT-S/16 with MoCo v3 (arXiv:2104.02057): ImageNet and BigGAN-sim 100k.

    tools/dist_train.sh configs/mocov3_vit-small_biggan_fpn_in1k.py 16

Method, batch size (16 GPUs x 256), optimizer and schedule are those of mmpretrain. All feature maps of a ViT have stride 16;
Feature2Pyramid converts the maps of four layers to strides 4 to 32 (as in the segmentation of BEiT and MAE). Not in the paper, and not run
by us.
"""

_base_ = ['mmpretrain::mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py', '_base_/joint_in1k.py']

model = dict(
    type='mmbdg.JointMoCoV3',
    data_preprocessor=_base_.joint_preprocessor,
    seg_stages=[2, 5, 8, 11],  # evenly spaced in twelve layers
    seg_neck=dict(type='mmseg.Feature2Pyramid', embed_dim=384, norm_cfg=dict(type='SyncBN', requires_grad=True)),
    seg_head=dict(_base_.seg_head, in_channels=[384] * 4),
)
train_dataloader = dict(
    sampler=_base_.addressed_sampler,
    dataset=dict(ssl=dict(pipeline=_base_.train_pipeline, **_base_.real_images), **_base_.paired),
)
custom_hooks = _base_.seeing
