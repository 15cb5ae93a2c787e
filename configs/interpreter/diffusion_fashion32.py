"""Sixteen feature interpreters for the embedded diffusion model, trained with the 50 annotations of the embedded GAN's samples.

    python tools/annotate.py encode configs/interpreter/diffusion_fashion32.py mmbdg://fashion32/annotated_latents DST
    python tools/train.py configs/interpreter/diffusion_fashion32.py --cfg-options annotated=DST

The first command encodes the annotated images to clean latents with noise. To annotate samples of the model itself instead, give
``tools/annotate.py sample`` this config, and train with --cfg-options train_dataloader.dataset.latent_dim=512.
"""

_base_ = ['../_base_/interpreter_training.py', '../_base_/models/diffusion32_fashion.py', '../_base_/models/interpreter32_fashion.py']

pipeline = 'mmbdg://fashion32/diffusion'
annotated = 'data/annotated_diffusion32'
weights = dict(type='mmbdg.PipelineWeights', checkpoint=pipeline, prompt='a photo of a {}', classes=_base_.class_names)
generator = dict(init_cfg=weights, **_base_.generator)
interpreter = dict(_base_.interpreter, num_members=_base_.num_members)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=interpreter)

annotation_seed = 1  # seed of tools/annotate.py
train_dataloader = dict(
    dataset=dict(
        type='mmbdg.AnnotatedLatents',
        data_root=annotated,
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
        generator=generator,
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
requires = dict(
    pipeline='the folder of the diffusion model: python tools/train.py configs/diffusion/latent_fashion32.py',
    annotated=(
        'annotated latents: python tools/annotate.py encode configs/interpreter/diffusion_fashion32.py '
        'mmbdg://fashion32/annotated_latents data/annotated_diffusion32'
    ),
)
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT '
    '--cfg-options synthesis.labelled_generator={work_dir}/labelled_generator'
)
