"""ResNet-50 on ImageNet and synthetic images, with batch norms of their own for the synthetic ones.

    python tools/synthesize.py configs/synthesis/diffusion_sd15_in1k.py data/diffusion_in1k --device cuda
    torchrun --nproc_per_node=8 tools/train.py configs/scaling/resnet50_in1k.py --launcher pytorch
    ... --cfg-options fraction=0.01 per_class=130            # low data: 1, 5, 10 %
    ... --cfg-options imbalance=100                          # long tail, which synthetic images fill
    ... --cfg-options aux_norm=None                          # shared norms: the control

In the style of "Diversify, Don't Fine-Tune" (arXiv 2312.02253), whose schedule, ratio and loss weight are unknown to us. The recipe is
mmpretrain's for ResNet-50 (100 epochs, SGD); an epoch has every real image once, in batches of 8 x 32. Not run by us.
"""

_base_ = ['mmpretrain::resnet/resnet50_8xb32_in1k.py', '../_base_/datasets/scaling_in1k.py']

aux_norm = 'BN'
synthetic_loss_weight = 1.0

model = dict(
    type='mmbdg.AuxNormClassifier',
    backbone=dict(norm_cfg=dict(type='SyncBN')),
    aux_norm=aux_norm,
    synthetic_loss_weight=synthetic_loss_weight,
)
train_dataloader = dict(
    batch_size=_base_.real_per_batch * (1 + _base_.ratio),
    sampler=_base_.sampler,
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts=dict(
            real=dict(_base_.real_part, dataset=dict(_base_.photos, pipeline=_base_.train_pipeline)),
            synthetic=dict(_base_.synthetic_part, dataset=dict(_base_.made, pipeline=_base_.train_pipeline)),
        ),
    ),
)
