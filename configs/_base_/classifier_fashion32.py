"""Training and test of a small classifier of the garments: model, test images, schedule. The config adds train_dataloader."""

_base_ = ['runtime.py', 'models/resnet_fashion32.py']

iterations = 1500
model = _base_.classifier
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='PackInputs')]),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='Accuracy', topk=(1,))
val_cfg = test_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations // 2)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=False, T_max=iterations)]
