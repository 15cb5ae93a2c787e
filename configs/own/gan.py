"""Train a class-conditional BigGAN on your images. Writes generator.safetensors at each best validation, and samples/*.png."""

_base_ = 'networks.py'

work_dir = f'{_base_.work_root}/gan'
images = f'{_base_.data_root}/images'
weights = f'{_base_.work_root}/classifier/classifier.safetensors'
iterations = 60000  # discriminator steps; the training can be stopped at any time
model = dict(
    type='mmbdg.ConditionalGAN',
    generator=_base_.generator,
    discriminator=_base_.discriminator,
    discriminator_steps=2,
    ema_momentum=0.001,
    augment=('color', 'translation', 'cutout'),  # remove 'color' if the brightness of the background matters
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)

pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(type='ResizeEdge', scale=_base_.resolution, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=_base_.resolution),
    dict(type='PackInputs'),
]
train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, pipeline=pipeline),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, most=2000, pipeline=pipeline),
)
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='own', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='own', classifier=judge),
]
val_cfg = dict()
model_wrapper_cfg = dict(type='mmbdg.GANDistributed')  # only used with several processes
randomness = dict(diff_rank_seed=True)  # different noise in each process
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(500, iterations))
optim_wrapper = dict(
    constructor='mmbdg.GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
)
default_hooks = dict(checkpoint=dict(interval=min(500, iterations), save_best='KD_own', rule='less'))
custom_hooks = [
    dict(type='mmbdg.RefreshAverageHook'),
    dict(type='mmbdg.GeneratedSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator_ema.module.', filename='generator.safetensors', config='model.generator'),
    dict(
        type='mmbdg.VerdictHook',
        metric='recognised_own',
        what='% of the generated images are recognised as their class (last validation)',
        enough=70,
        otherwise='go on with --resume and more iterations, and look at the samples',
    ),
]
requires = dict(
    images='your images, a folder for each class: <class>/*.png|jpg',
    weights='the classifier that judges the samples: python tools/train.py {config_dir}/classifier.py',
)
next_step = (
    'look at {work_dir}/samples, then: python tools/annotate.py sample {config_dir}/interpreter.py '
    + f'{_base_.data_root}/annotated --per-class 5'
)
