"""Sixteen feature interpreters for BigGAN-deep-256: foreground and background of ImageNet's classes.

    python tools/annotate.py sample configs/interpreter/biggan-deep-256_fgbg.py OUT --per-class 10
    python tools/annotate.py import OUT data/annotated
    python tools/train.py configs/interpreter/biggan-deep-256_fgbg.py --amp

Not run by us, because the weights were not available.
"""

_base_ = ['../_base_/interpreter_in1k.py', '../_base_/generators/biggan-deep-256_in1k.py']

model = dict(generator=_base_.generator)
annotated_set = dict(name='biggan-deep-256', latent_dim=128, resolution=256)
train_dataloader = dict(dataset=annotated_set)
val_dataloader = dict(dataset=annotated_set)
test_dataloader = dict(dataset=annotated_set)
requires = dict(annotated=_base_.requires_annotated)
