"""FGVC-Aircraft (100 variants) for CLIP classifiers, read by mmpretrain's FGVCAircraft."""

_base_ = 'clip_224.py'

data_root = 'data/fgvc-aircraft-2013b'
synthetic = None  # images/ of a synthesised or retrieved dataset, with one folder for each class id; None: real images
classes = 'mmbdg://clip/aircraft/classes.json'
templates = (
    'mmbdg://clip/aircraft/templates.txt'  # CLIP's own two (openai/CLIP, data/prompts.md); the code of "The Unmet Promise" has the same
)
num_classes = 100

tuning_set = dict(type='FGVCAircraft', data_root=data_root, split='train', pipeline=_base_.train_pipeline)
if synthetic is not None:
    tuning_set = dict(type='mmbdg.ImageFolder', data_root=synthetic, class_names=classes, pipeline=_base_.train_pipeline)
validation_set = dict(type='FGVCAircraft', data_root=data_root, split='val', pipeline=_base_.test_pipeline)
probe_set = dict(type='FGVCAircraft', data_root=data_root, split='trainval', pipeline=_base_.test_pipeline)
test_set = dict(type='FGVCAircraft', data_root=data_root, split='test', pipeline=_base_.test_pipeline)
