"""ImageNet (1,000 classes) for CLIP classifiers, read by mmpretrain's ImageNet.

The validation images are the test set. "The Unmet Promise" holds out 50,000 training images for validation (seed 42).
Here nothing is chosen by validation: the last checkpoint counts.
"""

_base_ = 'clip_224.py'

data_root = 'data/imagenet'

train_set = dict(type='ImageNet', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
probe_set = dict(type='ImageNet', data_root=data_root, split='train', pipeline=_base_.test_pipeline)
test_set = dict(type='ImageNet', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
