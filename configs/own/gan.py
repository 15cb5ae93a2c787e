"""Train a class-conditional BigGAN on your images. Writes generator.safetensors at each best validation, and samples/*.png."""

_base_ = 'generated.py'

work_dir = f'{_base_.work_root}/gan'
iterations = _base_.plan['iterations']['gan']  # discriminator steps; the training can be stopped at any time
interval = min(500, max(1, iterations // 5))
rate = _base_.widths['gan_lr']
if _base_.plan['diffusion']:
    raise ValueError(f'generator_type is {_base_.generator_type!r}: train {_base_.plan["step"]}.py, or set generator_type = "biggan"')
model = dict(
    type='mmbdg.ConditionalGAN',
    generator=_base_.generator,
    discriminator=_base_.discriminator,
    discriminator_steps=_base_.widths['discriminator_steps'],
    ema_momentum=_base_.widths['ema_momentum'],
    # remove 'color' if the brightness of the background matters
    augment=('translation', 'cutout') if _base_.plan['grey'] else ('color', 'translation', 'cutout'),
    data_preprocessor=_base_.preprocessor,
)
train_dataloader = dict(batch_size=_base_.plan['batches']['gan'])
val_dataloader = dict(dataset=dict(most=_base_.plan['samples']))
model_wrapper_cfg = dict(type='mmbdg.GANDistributed')  # only used with several processes
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=interval)
optim_wrapper = dict(
    constructor='mmbdg.GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=rate, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(optimizer=dict(type='Adam', lr=rate, betas=(0.0, 0.999), eps=1e-6)),
)
default_hooks = dict(checkpoint=dict(interval=interval))
custom_hooks = [
    dict(type='mmbdg.RefreshAverageHook'),
    dict(type='mmbdg.GeneratedSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator_ema.module.', filename='generator.safetensors', config='model.generator'),
    _base_.judgement,
]
next_step = _base_.wording.annotate
