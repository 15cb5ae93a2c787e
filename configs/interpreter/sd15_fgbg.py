"""Sixteen feature interpreters for Stable Diffusion 1.5: foreground and background of ImageNet's classes.

    python tools/annotate.py encode configs/interpreter/sd15_fgbg.py SRC data/annotated     # images with masks -> annotated latents
    python tools/train.py configs/interpreter/sd15_fgbg.py --amp --cfg-options model.precision=bfloat16

The heads learn a class embedding. The cross-attention maps of the class's name are further features. Not run by us, because the weights
were not available.
"""

_base_ = ['../_base_/interpreter_in1k.py', '../_base_/generators/sd15-512_in1k.py']

model = dict(generator=dict(_base_.generator, attention_maps=True))
annotated_set = dict(name='sd15', latent_dim=32768, resolution=512)  # clean latent and noise, 4 x 64 x 64 each
train_dataloader = dict(dataset=annotated_set)
val_dataloader = dict(dataset=annotated_set)
test_dataloader = dict(dataset=annotated_set)
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names, truncation=None)]  # noise is not truncated
requires = dict(annotated=_base_.requires_annotated)
