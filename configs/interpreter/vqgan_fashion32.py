"""Sixteen feature interpreters for the embedded VQGAN, trained with the 50 annotated samples of BigGAN, encoded to tokens.

    python tools/annotate.py encode configs/interpreter/vqgan_fashion32.py mmbdg://fashion32/annotated_latents data/vqgan32_annotated
    python tools/train.py configs/interpreter/vqgan_fashion32.py

Writes labelled_generator/ to the work dir. The heads learn a class embedding, because VQGAN has none.
"""

_base_ = ['../_base_/interpreter_training.py', '../_base_/models/vqgan32_fashion.py', '../_base_/models/interpreter32_fashion.py']

generator_weights = 'mmbdg://fashion32/vqgan.safetensors'
annotated = 'data/vqgan32_annotated'
generator = dict(init_cfg=dict(type='Pretrained', checkpoint=generator_weights), **_base_.generator)
interpreter = dict(_base_.interpreter, num_members=_base_.num_members)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=interpreter)

train_dataloader = dict(
    dataset=dict(
        type='mmbdg.AnnotatedLatents',
        data_root=annotated,
        name='vqgan32',
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

train_cfg = dict(max_iters=500, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=250, save_best=None), logger=dict(interval=100))
custom_hooks = [
    dict(
        type='mmbdg.ExportLabelledGeneratorHook',
        classes=_base_.class_names,
        truncation=None,  # z is uniform
        licence='MIT: made by a generator trained on Fashion-MNIST (MIT, Zalando SE)',
    )
]
requires = dict(
    generator_weights='the trained VQGAN: python tools/train.py configs/vqgan/transformer_fashion32.py',
    annotated='annotated tokens: python tools/annotate.py encode configs/interpreter/vqgan_fashion32.py SRC DST',
)
next_step = 'look at the samples: python tools/show_generator.py {config} samples.png'
