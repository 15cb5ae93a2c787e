"""Train sixteen feature interpreters with your masks. Writes labelled_generator/ at each best validation.

The sizes of the generator are read from the card beside its weights, generator.safetensors.json.
"""

_base_ = 'networks.py'

work_dir = f'{_base_.work_root}/interpreter'
weights = f'{_base_.work_root}/gan/generator.safetensors'
annotated = f'{_base_.data_root}/annotated'
annotation_seed = 1  # seed of tools/annotate.py sample
held_out = 1  # annotated samples per class for validation
iterations = 1000
num_members = 16
member_batch = 4
generator = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.generator)
model = dict(type='mmbdg.InterpreterTraining', generator=generator, interpreter=dict(_base_.interpreter, num_members=num_members))
pairs = dict(type='mmbdg.AnnotatedLatents', data_root=annotated, name='own', generator=generator, class_names=_base_.class_names)
train_dataloader = dict(
    batch_size=num_members * member_batch,
    num_workers=0,  # the latents are in memory
    sampler=dict(type='mmbdg.EnsembleSampler', num_members=num_members, per_member=member_batch),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(part='train', held_out=held_out, **pairs),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(part='val', held_out=held_out, **pairs),
)
val_evaluator = dict(type='mmbdg.LabellerIoU')
val_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=max(1, iterations // 5))
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
default_hooks = dict(
    checkpoint=dict(interval=max(1, iterations // 5), save_best='mIoU_fgbg', rule='greater'),
    statistics=dict(type='mmbdg.AverageStatisticsHook'),  # averages the batch statistics of several processes
)
custom_hooks = [
    dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names),
    dict(
        type='mmbdg.VerdictHook',
        metric='mIoU_fgbg',
        what='mIoU foreground/background on the held-out annotated samples',
        enough=85,
        otherwise='look at the masks that you drew, or annotate more samples',
    ),
]
requires = dict(
    weights='the trained generator: python tools/train.py {config_dir}/gan.py (it writes one at each best validation)',
    annotated='masks of generated samples: python tools/annotate.py sample {config_dir}/interpreter.py ' + annotated,
)
next_step = 'python tools/synthesize.py {config_dir}/synthesis.py ' + f'{_base_.data_root}/synthetic'
