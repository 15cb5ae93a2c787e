"""Baseline with class labels only: the backbone is trained to classify the real images.

    python tools/train.py configs/baselines/classification_fashion.py

Images, batch size and number of iterations are those of the joint pre-training. This is a control: the generator and the classifier of the
synthetic data were trained with the same class labels.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/resnet18_64px.py', '../_base_/datasets/batches_of_32.py']

iterations = 240
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(
        type='ClsDataPreprocessor', num_classes=10, mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True
    ),
    backbone=dict(out_indices=(3,), norm_cfg=dict(type='SyncBN'), **_base_.backbone),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=512, loss=dict(type='CrossEntropyLoss')),
)
train_dataloader = dict(
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='train',
        pipeline=[
            dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.2, 1.0), backend='pillow'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackInputs'),
        ],
    ),
)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.03, momentum=0.9, weight_decay=1e-4))
param_scheduler = dict(type='CosineAnnealingLR', T_max=iterations, by_epoch=False)
