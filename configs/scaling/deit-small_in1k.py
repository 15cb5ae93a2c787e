"""DeiT-S on ImageNet and synthetic images. Its layer norms can be doubled for the synthetic images, which is unproven.

    torchrun --nproc_per_node=8 tools/train.py configs/scaling/deit-small_in1k.py --launcher pytorch
    ... --cfg-options aux_norm=LN

In the style of "Diversify, Don't Fine-Tune" (arXiv 2312.02253): which vision transformers it trains, with which schedule, and what it does
about layer norms is unknown to us. The recipe is mmpretrain's for DeiT-S (300 epochs, AdamW, Mixup and CutMix, here within real and within
synthetic images); an epoch has every real image once, in batches of 8 x 128. Not run by us.
"""

_base_ = ['mmpretrain::deit/deit-small_4xb256_in1k.py', '../_base_/datasets/scaling_in1k.py']

aux_norm = None  # 'LN': layer norms of their own for synthetic images
synthetic_loss_weight = 1.0
real_per_batch = 128

model = dict(type='mmbdg.AuxNormClassifier', aux_norm=aux_norm, synthetic_loss_weight=synthetic_loss_weight)
train_dataloader = dict(
    batch_size=real_per_batch * (1 + _base_.ratio),
    sampler=dict(_base_.sampler, batch_size=real_per_batch * (1 + _base_.ratio)),
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts=dict(
            real=dict(_base_.real_part, dataset=dict(_base_.photos, pipeline=_base_.train_pipeline)),
            synthetic=dict(_base_.synthetic_part, dataset=dict(_base_.made, pipeline=_base_.train_pipeline)),
        ),
    ),
)
