"""Sixteen feature interpreters for VQGAN-256: foreground and background of ImageNet's classes (BigDatasetGAN, section 3.2).

    python tools/annotate.py encode configs/interpreter/vqgan256_fgbg.py SRC data/annotated     # images with masks -> tokens with masks
    python tools/train.py configs/interpreter/vqgan256_fgbg.py --amp

The heads learn a class embedding, because VQGAN has none. Not run by us, because the weights were not available.
"""

_base_ = ['../_base_/interpreter_in1k.py', '../_base_/generators/vqgan256_in1k.py']

model = dict(generator=_base_.generator, interpreter=dict(member=dict(groups='absolute')))
annotated_set = dict(name='vqgan256', latent_dim=256, resolution=256)
train_dataloader = dict(dataset=annotated_set)
val_dataloader = dict(dataset=annotated_set)
test_dataloader = dict(dataset=annotated_set)
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names, truncation=None)]  # z is uniform
requires = dict(annotated=_base_.requires_annotated)
