"""A class-conditional BigGAN at 64 px on your images. Writes generator.safetensors and samples/*.png."""

_base_ = 'classifier.py'

work_dir = f'{_base_.work_root}/gan'
generator = dict(
    type='mmbdg.BigGAN',
    resolution=_base_.resolution,
    num_classes=len(_base_.class_names),
    base_channels=64,
    channel_multipliers=(8, 8, 4, 2, 1),
    latent_dim=100,
    embed_dim=64,
    attention=(32,),
)
model = dict(
    _delete_=True,
    type='mmbdg.ConditionalGAN',
    generator=generator,
    discriminator=dict(
        type='mmbdg.ProjectionDiscriminator',
        resolution=_base_.resolution,
        num_classes=len(_base_.class_names),
        base_channels=64,
        channel_multipliers=(1, 2, 4, 8, 8),
        downsample=(True, True, True, True, False),
        attention=(32,),
    ),
    discriminator_steps=2,
    ema_momentum=0.001,
    augment=('color', 'translation', 'cutout'),
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)

pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(type='ResizeEdge', scale=_base_.resolution, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=_base_.resolution),
    dict(type='PackInputs'),
]
train_dataloader = dict(collate_fn=dict(type='mmengine.pseudo_collate'), dataset=dict(pipeline=pipeline))
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=f'{_base_.data_root}/images', class_names=_base_.class_names, pipeline=pipeline),
)
weights = f'{_base_.work_root}/classifier/classifier.safetensors'
val_evaluator = dict(
    type='mmbdg.KernelDistance', name='own', classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.classifier)
)
val_cfg = dict()
model_wrapper_cfg = dict(type='mmbdg.GANDistributed')  # counts only with several processes
randomness = dict(diff_rank_seed=True)  # each process its own noise
train_cfg = dict(max_iters=60000, val_interval=2000)
optim_wrapper = dict(
    _delete_=True,
    constructor='mmbdg.GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
)
param_scheduler = None
default_hooks = dict(checkpoint=dict(interval=2000, save_best='KD_own', rule='less'))
custom_hooks = [
    dict(type='mmbdg.RefreshAverageHook'),
    dict(type='mmbdg.GeneratedSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator_ema.module.', filename='generator.safetensors'),
]
requires = dict(weights='the classifier that judges the samples: python tools/train.py configs/own/classifier.py')
