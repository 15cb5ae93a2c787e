"""A small text-to-image diffusion model on the embedded real images: captions with their class names, latents of an autoencoder.

    python tools/train.py configs/diffusion/latent_fashion32.py        # 19 minutes of one busy core

Writes diffusion/ (the averaged weights, as a StableDiffusionPipeline in diffusers' layout) and samples/*.png into the work dir.
To train the autoencoder too: configs/diffusion/autoencoder_fashion32.py. For your own images see configs/own/README.md.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/resnet_fashion32.py', '../_base_/datasets/fashion32_images.py']

autoencoder = 'mmbdg://fashion32/diffusion/vae'
classifier_weights = 'mmbdg://fashion32/classifier.safetensors'
iterations = 2000

model = dict(
    type='mmbdg.DiffusionTraining',
    autoencoder=autoencoder,
    unet=dict(
        type='UNet2DConditionModel',
        sample_size=8,
        in_channels=8,
        out_channels=8,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
        mid_block_type='UNetMidBlock2D',
        up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=64,
        attention_head_dim=4,
        norm_num_groups=8,
    ),
    text_encoder=dict(hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4, projection_dim=64),
    scheduler=dict(
        type='DDIMScheduler',
        beta_schedule='scaled_linear',
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type='v_prediction',
        rescale_betas_zero_snr=True,  # the last step is pure noise, from which sampling starts
        timestep_spacing='trailing',
        steps_offset=1,
        clip_sample=False,
    ),
    classes='fashion32',
    captions=(
        'a photo of a {}',
        'a picture of a {}',
        'a photo of the {}',
        'a grey photo of a {}',
        'a {} on a black background',
        'a product photo of a {}, front view',
        'one {}',
        '{}',
    ),
    empty_prompt=0.1,
    timesteps='logit_normal',
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)
val_dataloader = dict(dataset=dict(label_fraction=0.05))  # sampling takes as long as training
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='resnet_fashion32', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='resnet_fashion32', classifier=judge),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(300, iterations))
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(20, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
randomness = dict(diff_rank_seed=True)  # each process draws its own noise
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(300, iterations), save_best='KD_resnet_fashion32', rule='less'))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.005, gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='diffusion'),
]
requires = dict(
    autoencoder='the autoencoder of the latents: python tools/train.py configs/diffusion/autoencoder_fashion32.py',
    classifier_weights='the classifier whose features evaluate the samples: python tools/train.py configs/classifier/resnet_fashion32.py',
)
next_step = 'look at {work_dir}/samples; {work_dir}/diffusion is a pipeline of diffusers for mmbdg.DiffusionSource'
