"""Sixteen feature interpreters from your masks. Writes labelled_generator/."""

_base_ = 'gan.py'

work_dir = f'{_base_.work_root}/interpreter'
weights = f'{_base_.work_root}/gan/generator.safetensors'
annotated = f'{_base_.data_root}/annotated'
annotation_seed = 1
model = dict(
    _delete_=True,
    type='mmbdg.InterpreterTraining',
    generator=dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.generator),
    interpreter=dict(
        type='mmbdg.InterpreterEnsemble',
        num_members=16,
        member=dict(type='mmbdg.FeatureInterpreter', num_outputs=1, groups=(16, 32, 64), widths=(64, 32, 16)),
    ),
)
train_dataloader = dict(
    batch_size=64,  # 16 members x 4
    sampler=dict(_delete_=True, type='mmbdg.EnsembleSampler', num_members=16, per_member=4),
    num_workers=0,
    persistent_workers=False,
    drop_last=False,
    dataset=dict(
        _delete_=True,
        type='mmbdg.AnnotatedLatents',
        data_root=annotated,
        name='own',
        latent_dim=100,
        resolution=_base_.resolution,
        class_names=_base_.class_names,
    ),
)
val_dataloader = None
val_evaluator = None
val_cfg = None
train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=3000)
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=1e-3))
default_hooks = dict(checkpoint=dict(_delete_=True, type='CheckpointHook', interval=1000, by_epoch=False, max_keep_ckpts=2))
custom_hooks = [dict(type='mmbdg.ExportLabelledGeneratorHook', classes=_base_.class_names)]
model_wrapper_cfg = None
requires = dict(weights='the trained generator: python tools/train.py configs/own/gan.py')
