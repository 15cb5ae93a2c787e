"""Sixteen feature interpreters for DiT-XL/2 at 256 px: foreground and background of ImageNet's classes.

    python tools/annotate.py encode configs/interpreter/dit-xl-256_fgbg.py SRC data/annotated     # images with masks -> annotated latents
    python tools/train.py configs/interpreter/dit-xl-256_fgbg.py --amp --cfg-options model.precision=bfloat16

SRC may be the released annotations of BigGAN-512's samples: the model has the same classes. The heads learn a class embedding. Not run by
us, because the weights were not available.
"""

_base_ = ['../_base_/interpreter_in1k.py', '../_base_/generators/dit-xl-256_in1k.py']

model = dict(generator=_base_.generator)
annotated_set = dict(name='dit-xl-256', latent_dim=8192, resolution=256)  # clean latent and noise, 4 x 32 x 32 each
train_dataloader = dict(dataset=annotated_set)
val_dataloader = dict(dataset=annotated_set)
test_dataloader = dict(dataset=annotated_set)
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names, truncation=None)]  # noise is not truncated
requires = dict(annotated=_base_.requires_annotated)
