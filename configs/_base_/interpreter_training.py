"""Training of feature interpreters on annotated latents: Adam 1e-3, batch size 4, 5,000 iterations, as in the released code.

Each of the sixteen members (paper, section 3.2) gets four samples per iteration, in its own order. With --amp they compute in bfloat16.
"""

_base_ = 'runtime.py'

num_members = 16
member_batch = 4
train_dataloader = dict(
    batch_size=num_members * member_batch,
    num_workers=0,  # the latents are in memory
    sampler=dict(type='mmbdg.EnsembleSampler', num_members=num_members, per_member=member_batch),
    collate_fn=dict(type='mmengine.pseudo_collate'),
)
val_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False), collate_fn=dict(type='mmengine.pseudo_collate')
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmbdg.LabellerIoU')
test_evaluator = dict(type='mmbdg.LabellerIoU', per_class=True)
train_cfg = dict(type='IterBasedTrainLoop', max_iters=5000, val_interval=500)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3))
default_hooks = dict(
    checkpoint=dict(interval=500, save_best='mIoU_fgbg', rule='greater'),
    logger=dict(interval=50),
    statistics=dict(type='mmbdg.AverageStatisticsHook'),  # averages the batch statistics of several processes
)
