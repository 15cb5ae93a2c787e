"""CLIP ViT-B-16 fine-tuned on DTD from zero-shot weights, after "The Unmet Promise". Not run by us.

    python tools/train.py configs/clip/vit-b16_dtd.py
    python tools/train.py configs/clip/vit-b16_dtd.py --cfg-options synthetic=data/dtd_synthetic/images

The numbers and their sources: configs/_base_/clip_tuning.py. Zero-shot accuracy, WiSE-FT and synthetic images: docs/clip_adaptation.md.
"""

_base_ = ['../_base_/clip_tuning.py', '../_base_/datasets/clip_dtd.py']

model = dict(head=dict(classes=_base_.classes, templates=_base_.templates))
train_dataloader = dict(dataset=_base_.tuning_set)
test_dataloader = dict(dataset=_base_.test_set)
val_dataloader = dict(
    batch_size=256,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=_base_.validation_set,
)
val_evaluator = dict(type='Accuracy', topk=(1,))
val_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='accuracy/top1'))  # the epoch is chosen on the validation split: paper
