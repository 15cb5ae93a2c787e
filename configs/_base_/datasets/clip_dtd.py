"""DTD (47 textures) for CLIP classifiers, read by mmpretrain's DTD."""

_base_ = 'clip_224.py'

data_root = 'data/dtd'
synthetic = None  # images/ of a synthesised or retrieved dataset, with one folder for each class id; None: real images
classes = 'mmbdg://clip/dtd/classes.json'
# CLIP's own eight (openai/CLIP); the code of "The Unmet Promise" adds four with "a" or "an" by the class
templates = 'mmbdg://clip/dtd/templates.txt'
num_classes = 47

tuning_set = dict(type='DTD', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
if synthetic is not None:
    tuning_set = dict(type='mmbdg.ImageFolder', data_root=synthetic, class_names=classes, pipeline=_base_.train_pipeline)
validation_set = dict(type='DTD', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
probe_set = dict(type='DTD', data_root=data_root, split='trainval', pipeline=_base_.test_pipeline)
test_set = dict(type='DTD', data_root=data_root, split='test', pipeline=_base_.test_pipeline)
