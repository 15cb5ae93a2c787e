"""The autoencoder of the diffusion model of the garments in colour: 32 px to 8 x 8 latents of 16 channels.

    python tools/train.py configs/diffusion/autoencoder_colour32.py --amp

Writes autoencoder/ into the work dir, in diffusers' layout. The next step is configs/diffusion/transformer_colour32.py.
"""

_base_ = [
    '../_base_/runtime.py',
    '../_base_/models/resnet_colour32.py',
    '../_base_/datasets/colour32_images.py',
]

classifier_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
iterations = 3000

model = dict(
    type='mmbdg.AutoencoderTraining',
    autoencoder=dict(
        type='AutoencoderTiny',
        latent_channels=16,
        encoder_block_out_channels=(32, 32, 32),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(2, 1, 1),
    ),
    noise=0.05,
    kl_weight=1e-4,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
)
train_dataloader = dict(batch_size=32)
val_evaluator = [
    dict(type='mmbdg.ReconstructionPSNR'),
    dict(
        type='mmbdg.KernelDistance',
        name='resnet_colour32',
        classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
    ),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=min(1000, iterations))
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(50, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(500, iterations)))
custom_hooks = [dict(type='mmbdg.ExportPretrainedHook', folder='autoencoder')]
requires = dict(classifier_weights='the classifier that evaluates them: python tools/train.py configs/classifier/resnet_colour32.py --amp')
next_step = 'python tools/train.py configs/diffusion/transformer_colour32.py --cfg-options autoencoder={work_dir}/autoencoder'
