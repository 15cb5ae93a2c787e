"""Baseline with DenseCL alone, without synthetic data.

    python tools/train.py configs/baselines/densecl_fashion.py

Real images, backbone, batch size and number of iterations are those of the joint pre-training.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/resnet18_64px.py',
    '../_base_/datasets/fashion32_ssl.py',
    '../_base_/datasets/batches_of_32.py',
]

iterations = 240
model = dict(
    type='mmbdg.DenseCL',
    data_preprocessor=dict(type='SelfSupDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True),
    backbone=dict(out_indices=(3,), norm_cfg=dict(type='SyncBN'), **_base_.backbone),
    neck=dict(type='DenseCLNeck', in_channels=512, hid_channels=512, out_channels=128, num_grid=None),
    head=dict(type='ContrastiveHead', loss=dict(type='CrossEntropyLoss', loss_weight=1.0), temperature=0.2),
    queue_len=2048,
    feat_dim=128,
    momentum=0.001,
    loss_lambda=0.5,
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),  # same order and views as in the joint pre-training
    dataset=dict(type='mmbdg.JointDataset', ssl=_base_.ssl_dataset),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False)
custom_hooks = [  # docs/seeing.md
    dict(type='mmbdg.QueueReportHook'),
    dict(type='mmbdg.EmbeddingHook', interval=80),
    dict(type='mmbdg.CorrespondenceHook', interval=80),
]
