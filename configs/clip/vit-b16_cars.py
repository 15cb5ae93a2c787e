"""CLIP ViT-B-16 fine-tuned on Stanford Cars from zero-shot weights, after "The Unmet Promise". Not run by us.

    python tools/train.py configs/clip/vit-b16_cars.py
    python tools/train.py configs/clip/vit-b16_cars.py --cfg-options synthetic=data/cars_synthetic/images

The numbers and their sources: configs/_base_/clip_tuning.py. Zero-shot accuracy, WiSE-FT and synthetic images: docs/clip_adaptation.md.
"""

_base_ = ['../_base_/clip_tuning.py', '../_base_/datasets/clip_cars.py']

model = dict(head=dict(classes=_base_.classes, templates=_base_.templates))
train_dataloader = dict(dataset=_base_.tuning_set)
test_dataloader = dict(dataset=_base_.test_set)
