"""Flowers-102 for CLIP classifiers, read by mmpretrain's Flowers102."""

_base_ = 'clip_224.py'

data_root = 'data/Flowers102'
synthetic = None  # images/ of a synthesised or retrieved dataset, with one folder for each class id; None: real images
classes = 'mmbdg://clip/flowers/classes.json'
# CLIP's own one (openai/CLIP); the code of "The Unmet Promise" adds one with "a" or "an" by the class
templates = 'mmbdg://clip/flowers/templates.txt'
num_classes = 102

tuning_set = dict(type='Flowers102', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
if synthetic is not None:
    tuning_set = dict(type='mmbdg.ImageFolder', data_root=synthetic, class_names=classes, pipeline=_base_.train_pipeline)
validation_set = dict(type='Flowers102', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
probe_set = dict(type='Flowers102', data_root=data_root, split='trainval', pipeline=_base_.test_pipeline)
test_set = dict(type='Flowers102', data_root=data_root, split='test', pipeline=_base_.test_pipeline)
