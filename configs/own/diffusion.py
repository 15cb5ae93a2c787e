"""A text-to-image diffusion model on your images, instead of the GAN. Writes diffusion/ in diffusers' layout, and samples/*.png."""

_base_ = 'networks.py'

work_dir = f'{_base_.work_root}/diffusion'
images = f'{_base_.data_root}/images'
autoencoder_folder = f'{_base_.work_root}/autoencoder/autoencoder'
weights = f'{_base_.work_root}/classifier/classifier.safetensors'
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
    dataset=dict(type='mmbdg.ImageFolder', data_root=images, class_names=_base_.class_names, most=1000, pipeline=pipeline),
)
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='own', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='own', classifier=judge),
]
val_cfg = dict()
randomness = dict(diff_rank_seed=True)  # each process draws its own noise
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1000, iterations))
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=5e-4, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False)
default_hooks = dict(checkpoint=dict(interval=min(1000, iterations), save_best='KD_own', rule='less'))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.001, gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
    dict(
        type='mmbdg.VerdictHook',
        metric='recognised_own',
        what='% of the generated images are recognised as their class (last validation)',
        enough=70,
        otherwise='continue with --resume and more iterations, and look at the samples',
    ),
]
requires = dict(
    images='your images, a folder for each class: <class>/*.png|jpg',
    autoencoder_folder='the autoencoder of the latents: python tools/train.py {config_dir}/autoencoder.py',
    weights='the classifier that evaluates the samples: python tools/train.py {config_dir}/classifier.py',
)
next_step = 'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource'
