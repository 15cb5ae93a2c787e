"""Train a class-conditional BigGAN on your images. Writes generator.safetensors at each best validation, and samples/*.png."""

_base_ = 'generated.py'

work_dir = f'{_base_.work_root}/gan'
iterations = 60000  # discriminator steps; the training can be stopped at any time
model = dict(
    type='mmbdg.ConditionalGAN',
    generator=_base_.generator,
    discriminator=_base_.discriminator,
    discriminator_steps=2,
    ema_momentum=0.001,
    augment=('color', 'translation', 'cutout'),  # remove 'color' if the brightness of the background matters
    data_preprocessor=_base_.preprocessor,
)
val_dataloader = dict(dataset=dict(most=2000))
model_wrapper_cfg = dict(type='mmbdg.GANDistributed')  # only used with several processes
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(500, iterations))
optim_wrapper = dict(
    constructor='mmbdg.GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)),
)
default_hooks = dict(checkpoint=dict(interval=min(500, iterations)))
custom_hooks = [
    dict(type='mmbdg.RefreshAverageHook'),
    dict(type='mmbdg.GeneratedSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator_ema.module.', filename='generator.safetensors', config='model.generator'),
    _base_.verdict,
]
next_step = (
    'look at {work_dir}/samples, then: python tools/annotate.py sample {config_dir}/interpreter.py '
    + f'{_base_.data_root}/annotated --per-class 5'
)
