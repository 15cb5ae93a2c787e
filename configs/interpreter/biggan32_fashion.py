"""Sixteen feature interpreters from 50 annotated latents, five a class.

    python tools/train.py configs/interpreter/biggan32_fashion.py       # 20 minutes on two cores

Writes labelled_generator/ into the work dir: what LabelledGenerator.load and tools/synthesize.py take.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/biggan32_fashion.py', '../_base_/models/interpreter32_fashion.py']

generator = dict(init_cfg=dict(type='Pretrained', checkpoint='mmbdg://fashion32/generator.safetensors'), **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=_base_.interpreter)

annotation_seed = 1  # tools/annotate.py sample
train_dataloader = dict(
    batch_size=64,  # 16 members x 4
    num_workers=0,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.AnnotatedLatents', data_root='mmbdg://fashion32/annotated_latents', name='biggan32', latent_dim=64, resolution=32,
        class_names=_base_.class_names))
val_dataloader = dict(  # 1,000 held-out samples, masks by the rule
    batch_size=100, num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.RuleAnnotatedLatents', generator=generator, rule='mmbdg.analysis.foreground.fashion_foreground',
        class_names=_base_.class_names, per_class=100, seed=2))
test_dataloader = val_dataloader
val_evaluator = dict(type='mmbdg.LabellerIoU')
test_evaluator = dict(type='mmbdg.LabellerIoU', per_class=True)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=3000, val_interval=1000)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=1000), logger=dict(interval=100))
custom_hooks = [
    dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names,
         licence='MIT: made by a generator trained on Fashion-MNIST (MIT, Zalando SE)')
]
next_step = 'python tools/synthesize.py configs/synthesis/biggan32_fashion.py OUT'
