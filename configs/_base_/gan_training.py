"""Training of a small BigGAN with Adam. Writes pictures of random samples and the averaged generator (generator.safetensors)."""

_base_ = 'runtime.py'

val_cfg = dict()
model_wrapper_cfg = dict(type='mmbdg.GANDistributed')  # only used with several processes
randomness = dict(diff_rank_seed=True)  # different noise in each process
optim_wrapper = dict(
    constructor='mmbdg.GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=4e-4, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(optimizer=dict(type='Adam', lr=4e-4, betas=(0.0, 0.999), eps=1e-6)),
)
custom_hooks = [
    dict(type='mmbdg.RefreshAverageHook'),
    dict(type='mmbdg.GeneratedSamplesHook'),
    dict(type='mmbdg.ExportWeightsHook', prefix='generator_ema.module.', filename='generator.safetensors', config='model.generator'),
]
