"""A text-to-image diffusion model on your images, instead of the GAN. Writes diffusion/ in diffusers' layout, and samples/*.png."""

_base_ = 'generated.py'

work_dir = f'{_base_.work_root}/diffusion'
autoencoder_folder = f'{_base_.work_root}/autoencoder/autoencoder'
iterations = 100000  # the training can be stopped at any iteration
model = dict(
    type='mmbdg.DiffusionTraining',
    autoencoder=autoencoder_folder,
    unet=_base_.unet,
    text_encoder=dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, projection_dim=64),
    scheduler=dict(
        type='DDIMScheduler',
        beta_schedule='scaled_linear',
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type='v_prediction',
        rescale_betas_zero_snr=True,
        timestep_spacing='trailing',
        steps_offset=1,
        clip_sample=False,
    ),
    classes=_base_.class_names,
    captions=('a photo of a {}', 'a picture of a {}', 'a photo of the {}', '{}'),
    timesteps='logit_normal',
    num_inference_steps=20,
    data_preprocessor=_base_.preprocessor,
)
val_dataloader = dict(dataset=dict(most=1000))
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1000, iterations))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(1000, iterations)))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
    _base_.verdict,
]
requires = dict(autoencoder_folder='the autoencoder of the latents: python tools/train.py {config_dir}/autoencoder.py')
next_step = 'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource'
