"""Interpreters of the embedded diffusion models, trained with the 50 annotations of the embedded GAN's samples, encoded with noise.

A config adds its generator, the model and the folder of the annotated latents.
"""

_base_ = ['interpreter_training.py', 'models/interpreter32_fashion.py']

annotation_seed = 1  # seed of tools/annotate.py
train_dataloader = dict(
    dataset=dict(
        type='mmbdg.AnnotatedLatents',
        name='biggan32',
        latent_dim=1024,  # clean latent and noise, 8 x 8 x 8 each; 512 for samples of the model itself
        resolution=32,
        class_names=_base_.class_names,
    ),
)
val_dataloader = dict(  # 1,000 held-out samples with masks drawn by the rule
    batch_size=100,
    dataset=dict(
        type='mmbdg.RuleAnnotatedLatents',
        rule='mmbdg.annotation.foreground.fashion_foreground',
        class_names=_base_.class_names,
        per_class=100,
        seed=2,
    ),
)
test_dataloader = val_dataloader

train_cfg = dict(max_iters=500, val_interval=500)  # a validation takes as long as a large part of the training: 1,000 samples
default_hooks = dict(checkpoint=dict(interval=250, save_best=None), logger=dict(interval=100))
custom_hooks = [
    dict(
        type='mmbdg.ExportLabelledGeneratorHook',
        classes=_base_.class_names,
        truncation=None,  # a diffusion model needs the full variance of its noise
        licence='MIT: made by a diffusion model trained on Fashion-MNIST (MIT, Zalando SE)',
    )
]
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT '
    '--cfg-options synthesis.labelled_generator={work_dir}/labelled_generator'
)
