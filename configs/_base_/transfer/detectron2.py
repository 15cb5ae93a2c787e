"""How Detectron2 trains a detector, as far as MoCo's files for it (detection/configs) do not change that.

A learning rate belongs to a total batch; the configs say how many GPUs share it.
"""

_base_ = '../runtime.py'

default_scope = 'mmdet'
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=1e-4),  # MoCo's, for 16 images; momentum and decay Detectron2's
    paramwise_cfg=dict(norm_decay_mult=0.0),  # Detectron2's WEIGHT_DECAY_NORM
)
# MoCo's PRECISE_BN. mmpretrain's PreciseBNHook would measure the heads on RPN's proposals of the test, the mask head on 100 of them.
custom_hooks = [dict(type='mmbdg.PreciseBNHook', iterations=200)]  # Detectron2's NUM_ITER
default_hooks = dict(checkpoint=dict(interval=5000))  # Detectron2's CHECKPOINT_PERIOD
train_dataloader = dict(num_workers=4, persistent_workers=True, sampler=dict(type='InfiniteSampler', shuffle=True))
val_dataloader = dict(batch_size=1, num_workers=2, sampler=dict(type='DefaultSampler', shuffle=False))
test_dataloader = val_dataloader
val_cfg = dict()
test_cfg = dict()
next_step = 'python tools/test.py {config} {checkpoint}'
