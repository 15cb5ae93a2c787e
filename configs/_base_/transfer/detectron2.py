"""Detectron2's training settings for a detector, with the changes of MoCo's files (detection/configs).

The learning rate is for the total batch size; the command in each config gives the number of GPUs.
"""

_base_ = '../runtime.py'

default_scope = 'mmdet'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4),  # lr: MoCo, for 16 images; momentum and weight decay: Detectron2
    paramwise_cfg=dict(norm_decay_mult=0.0),  # Detectron2's WEIGHT_DECAY_NORM
)
# MoCo's PRECISE_BN. mmpretrain's PreciseBNHook would use the RPN proposals of the test mode for the heads, only 100 for the mask head.
custom_hooks = [dict(type='mmbdg.PreciseBNHook', iterations=200)]  # Detectron2's NUM_ITER
default_hooks = dict(checkpoint=dict(interval=5000))  # Detectron2's CHECKPOINT_PERIOD
train_dataloader = dict(num_workers=4, persistent_workers=True, sampler=dict(type='InfiniteSampler', shuffle=True))
val_dataloader = dict(batch_size=1, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
val_cfg = dict()
test_cfg = dict()
next_step = 'python tools/test.py {config} {checkpoint}'
