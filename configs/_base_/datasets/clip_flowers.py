"""Flowers-102 for CLIP classifiers, read by mmpretrain's Flowers102."""

_base_ = 'clip_224.py'

data_root = 'data/Flowers102'

train_set = dict(type='Flowers102', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
validation_set = dict(type='Flowers102', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
probe_set = dict(type='Flowers102', data_root=data_root, split='trainval', pipeline=_base_.test_pipeline)
test_set = dict(type='Flowers102', data_root=data_root, split='test', pipeline=_base_.test_pipeline)
