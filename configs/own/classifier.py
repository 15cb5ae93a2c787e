"""Train a classifier of your classes. It is validated on a held-out tenth of the images. Writes classifier.safetensors."""

_base_ = 'images.py'

from mmbdg.own_images import verdict

work_dir = f'{_base_.work_root}/classifier'
iterations = _base_.plan['iterations']['classifier']
interval = max(1, iterations // 10)
model = _base_.classifier
train_dataloader = dict(
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        part='train',
        pipeline=[
            _base_.load_image,
            dict(type='RandomResizedCrop', scale=_base_.resolution, crop_ratio_range=(0.6, 1.0), backend='pillow'),
            dict(type='RandomFlip', prob=0.5),  # use 0 if a mirrored object has another meaning, e.g. letters, traffic signs
            dict(type='PackInputs'),
        ],
    ),
)
val_dataloader = dict(collate_fn=dict(type='default_collate'), dataset=dict(part='val', most=2000))
val_evaluator = dict(type='mmpretrain.Accuracy', topk=(1,))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=interval)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4, nesterov=True))
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=interval, save_best='accuracy/top1', rule='greater'))
custom_hooks = [
    dict(type='mmbdg.ExportWeightsHook', prefix='', filename='classifier.safetensors', config='model'),
    verdict('classifier'),
]
next_step = f'python tools/train.py {{config_dir}}/{"autoencoder" if _base_.plan["step"] == "diffusion" else _base_.plan["step"]}.py'
