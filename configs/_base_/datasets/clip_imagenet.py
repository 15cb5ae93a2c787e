"""ImageNet (1,000 classes) for CLIP classifiers, read by mmpretrain's ImageNet.

The validation images are the test set. "The Unmet Promise" holds out 50,000 training images for validation (seed 42).
Here nothing is chosen by validation: the last checkpoint counts.
"""

_base_ = 'clip_224.py'

data_root = 'data/imagenet'
synthetic = None  # images/ of a synthesised or retrieved dataset, with one folder for each class id; None: real images
classes = 'mmbdg://clip/imagenet/classes.json'
# CLIP's own 80; the code of "The Unmet Promise" has the same
templates = 'mmbdg://clip/imagenet/templates.txt'
num_classes = 1000

tuning_set = dict(type='ImageNet', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
if synthetic is not None:
    tuning_set = dict(type='mmbdg.ImageFolder', data_root=synthetic, class_names=classes, pipeline=_base_.train_pipeline)
probe_set = dict(type='ImageNet', data_root=data_root, split='train', pipeline=_base_.test_pipeline)
test_set = dict(type='ImageNet', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
