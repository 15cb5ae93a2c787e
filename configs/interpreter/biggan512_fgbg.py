"""Sixteen feature interpreters for BigGAN-512: foreground and background of ImageNet's classes (BigDatasetGAN, sections 3.2 and 4).

    python tools/train.py configs/interpreter/biggan512_fgbg.py --amp

The annotated latents are those released by the authors (convert annotations.zip and latents.zip with `tools/annotate.py import`), or your
own. Not run by us, because neither the weights nor the annotations were available.
"""

_base_ = ['../_base_/interpreter_in1k.py', '../_base_/generators/biggan512_in1k.py']

model = dict(generator=_base_.generator)
annotated_set = dict(name='biggan512', latent_dim=128, resolution=512)
train_dataloader = dict(dataset=annotated_set)
val_dataloader = dict(dataset=annotated_set)
test_dataloader = dict(dataset=annotated_set)
requires = dict(annotated=_base_.requires_annotated)
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan512_in1k.py OUT --cfg-options labelled_generator={work_dir}/labelled_generator'
)
