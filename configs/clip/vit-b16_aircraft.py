"""CLIP ViT-B-16 fine-tuned on FGVC-Aircraft from zero-shot weights, after "The Unmet Promise". Not run by us.

    python tools/train.py configs/clip/vit-b16_aircraft.py
    python tools/train.py configs/clip/vit-b16_aircraft.py --cfg-options synthetic=data/aircraft_synthetic/images

The numbers and their sources: configs/_base_/clip_tuning.py. Zero-shot accuracy, WiSE-FT and synthetic images: docs/clip_adaptation.md.
"""

_base_ = ['../_base_/clip_validated_tuning.py', '../_base_/datasets/clip_aircraft.py']

synthetic = None  # images/ of a synthesised or retrieved dataset, with one folder for each class id; None: real images
classes = 'mmbdg://clip/aircraft/classes.json'
# CLIP's own two (openai/CLIP); the code of "The Unmet Promise" has the same
templates = 'mmbdg://clip/aircraft/templates.txt'

train_set = _base_.train_set
if synthetic is not None:
    train_set = dict(type='mmbdg.ImageFolder', data_root=synthetic, class_names=classes, pipeline=_base_.train_pipeline)
model = dict(head=dict(classes=classes, templates=templates))
train_dataloader = dict(dataset=train_set)
test_dataloader = dict(dataset=_base_.test_set)
val_dataloader = dict(dataset=_base_.validation_set)
