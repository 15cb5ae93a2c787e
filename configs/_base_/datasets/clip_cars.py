"""Stanford Cars (196 models) for CLIP classifiers, read by mmpretrain's StanfordCars.

Stanford Cars has no validation split in mmpretrain. "The Unmet Promise" holds out a fifth of the training images (seed 42).
Here nothing is chosen by validation: the last checkpoint counts.
"""

_base_ = 'clip_224.py'

data_root = 'data/Stanford_Cars'

train_set = dict(type='StanfordCars', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
probe_set = dict(type='StanfordCars', data_root=data_root, split='train', pipeline=_base_.test_pipeline)
test_set = dict(type='StanfordCars', data_root=data_root, split='test', pipeline=_base_.test_pipeline)
