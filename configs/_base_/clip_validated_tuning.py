"""clip_tuning.py for datasets with a validation split, on which the epoch is chosen. The config adds the images of the split."""

_base_ = 'clip_tuning.py'

val_dataloader = dict(
    batch_size=256,
    num_workers=8,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
val_evaluator = dict(type='Accuracy', topk=(1,))
val_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='accuracy/top1'))  # the epoch is chosen on the validation split: paper
