"""A text-to-image diffusion model on your images, instead of the GAN.

Writes diffusion/ in diffusers' layout, generator.safetensors for interpreter.py, and samples/*.png.
"""

_base_ = 'generated.py'

work_dir = f'{_base_.work_root}/diffusion'
autoencoder_folder = f'{_base_.work_root}/autoencoder/autoencoder'
iterations = _base_.plan['iterations']['diffusion']  # the training can be stopped at any iteration
interval = min(1000, max(1, iterations // 5))
model = dict(
    type='mmbdg.DiffusionTraining',
    autoencoder=autoencoder_folder,
    unet=_base_.unet,
    text_encoder=dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, projection_dim=64),
    scheduler=_base_.scheduler,
    classes=_base_.class_names,
    captions=_base_.wording.captions,
    timesteps='logit_normal',
    guidance_scale=_base_.sampling['guidance'],
    num_inference_steps=_base_.sampling['steps'],
    data_preprocessor=_base_.preprocessor,
)
val_dataloader = dict(dataset=dict(most=_base_.plan['samples'] // 2))  # sampling takes long
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=interval)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=_base_.widths['diffusion_lr'], betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=interval))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=_base_.widths['ema_momentum'], gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
    dict(type='mmbdg.ExportDiffusionGeneratorHook', folder='diffusion', prompt=_base_.wording.captions[0], **_base_.sampling),
    _base_.judgement,
]
requires = dict(autoencoder_folder='the autoencoder of the latents: python tools/train.py {config_dir}/autoencoder.py')
next_step = (
    _base_.wording.annotate
    if _base_.generator_type == 'diffusion'
    else (
        'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource. For masks, set '
        "generator_type = 'diffusion' in {config_dir}/dataset.py and annotate samples"
    )
)
