"""An autoencoder of your images, for the diffusion model. Writes autoencoder/ in diffusers' layout."""

_base_ = 'networks.py'

work_dir = f'{_base_.work_root}/autoencoder'
images = f'{_base_.data_root}/images'
iterations = 20000
model = dict(
    type='mmbdg.AutoencoderTraining',
    autoencoder=_base_.autoencoder,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)
pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(type='ResizeEdge', scale=_base_.resolution, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=_base_.resolution),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, part='train', pipeline=pipeline),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, part='val', pipeline=pipeline),
)
val_evaluator = dict(type='mmbdg.ReconstructionPSNR')
val_cfg = dict()
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1000, iterations))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(1000, iterations), save_best='PSNR', rule='greater'))
custom_hooks = [
    dict(type='mmbdg.ExportPretrainedHook', folder='autoencoder'),
    dict(
        type='mmbdg.VerdictHook',
        metric='PSNR',
        what='dB PSNR of the reconstructions of held-out images',
        enough=22,
        otherwise='continue with --resume and more iterations',
    ),
]
requires = dict(images='your images, a folder for each class: <class>/*.png|jpg')
next_step = 'python tools/train.py {config_dir}/diffusion.py'
