"""Sixteen feature interpreters for the embedded generator, trained with 50 annotated latents, five per class.

    python tools/train.py configs/interpreter/biggan32_fashion.py       # 5 minutes on two cores

Writes labelled_generator/ to the work dir, for LabelledGenerator.load and tools/synthesize.py.
"""

_base_ = ['../_base_/interpreter_training.py', '../_base_/models/biggan32_fashion.py', '../_base_/models/interpreter32_fashion.py']

generator_weights = 'mmbdg://fashion32/generator.safetensors'
annotated = 'mmbdg://fashion32/annotated_latents'
generator = dict(init_cfg=dict(type='Pretrained', checkpoint=generator_weights), **_base_.generator)
interpreter = dict(_base_.interpreter, num_members=_base_.num_members)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=interpreter)

annotation_seed = 1  # seed of tools/annotate.py sample
train_dataloader = dict(
    dataset=dict(
        type='mmbdg.AnnotatedLatents',
        data_root=annotated,
        name='biggan32',
        latent_dim=64,
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

train_cfg = dict(max_iters=500, val_interval=250)  # fewer than for large images, because head and images are small
default_hooks = dict(checkpoint=dict(interval=250, save_best=None), logger=dict(interval=100))
custom_hooks = [
    dict(
        type='mmbdg.ExportLabelledGeneratorHook',
        classes=_base_.class_names,
        licence='MIT: made by a generator trained on Fashion-MNIST (MIT, Zalando SE)',
    )
]
requires = dict(
    generator_weights='the trained generator: python tools/train.py configs/gan/biggan_fashion32.py',
    annotated='annotated latents: python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT',
)
next_step = (
    'python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT '
    '--cfg-options synthesis.labelled_generator={work_dir}/labelled_generator'
)
