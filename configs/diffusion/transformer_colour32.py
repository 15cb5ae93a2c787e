"""A small class-conditional diffusion transformer on the garments in colour, on the latents of their autoencoder.

    python tools/train.py configs/diffusion/transformer_colour32.py

Writes transformer/ (the averaged weights, as a DiTPipeline in diffusers' layout) and samples/*.png into the work dir.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/resnet_colour32.py',
    '../_base_/models/diffusion_noise.py',
    '../_base_/datasets/colour32_images.py',
]

autoencoder = 'work_dirs/autoencoder_colour32/autoencoder'
classifier_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
iterations = 10000

model = dict(
    type='mmbdg.ClassDiffusionTraining',
    autoencoder=autoencoder,
    transformer=dict(
        type='DiTTransformer2DModel',
        sample_size=8,
        patch_size=1,  # 64 tokens: features of 8 x 8 for an interpreter
        num_layers=4,
        num_attention_heads=4,
        attention_head_dim=32,
    ),
    scheduler=dict(type='DDIMScheduler', clip_sample=False, **_base_.schedule),
    classes='fashion32',
    empty_label=0.1,
    timesteps='logit_normal',
    export_precision='float16',  # most of the weights are labels that are not used: diffusers fixes their number at 1,000
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)
val_dataloader = dict(dataset=dict(label_fraction=0.1))  # 1,000 training images
judge = dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier)
val_evaluator = [
    dict(type='mmbdg.KernelDistance', name='resnet_colour32', classifier=judge),
    dict(type='mmbdg.RecognisedSamples', name='resnet_colour32', classifier=judge),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(2500, iterations))
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(200, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
randomness = dict(diff_rank_seed=True)  # each process draws its own noise
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(500, iterations), save_best='KD_resnet_colour32', rule='less'))
custom_hooks = [
    dict(type='mmengine.EMAHook', ema_type='MomentumAnnealingEMA', momentum=0.002, gamma=10),
    dict(type='mmbdg.DiffusionSamplesHook'),
    dict(type='mmbdg.ExportPretrainedHook', folder='transformer'),
]
requires = dict(
    autoencoder='the autoencoder of the latents: python tools/train.py configs/diffusion/autoencoder_colour32.py --amp',
    classifier_weights='the classifier whose features judge the samples: python tools/train.py configs/classifier/resnet_colour32.py --amp',
)
next_step = 'look at {work_dir}/samples; {work_dir}/transformer is a pipeline of diffusers for mmbdg.DiffusionSource'
