"""The autoencoder of the diffusion model on the embedded real images: 32 px to 8 x 8 latents of eight channels.

    python tools/train.py configs/diffusion/autoencoder_fashion32.py        # about three minutes of one core

Writes autoencoder/ into the work dir, in diffusers' layout. The next step is configs/diffusion/latent_fashion32.py.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/resnet_fashion32.py', '../_base_/datasets/fashion32_images.py']

classifier_weights = 'mmbdg://fashion32/classifier.safetensors'
iterations = 900

model = dict(
    type='mmbdg.AutoencoderTraining',
    autoencoder=dict(
        type='AutoencoderTiny',
        latent_channels=8,
        encoder_block_out_channels=(16, 16, 16),
        decoder_block_out_channels=(16, 16, 16),
        num_encoder_blocks=(0, 0, 1),
        num_decoder_blocks=(2, 1, 1),  # the last block, at full resolution, is the slowest; it is needed for details within a patch
    ),
    noise=0.05,
    kl_weight=1e-4,
    grey=True,
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)
train_dataloader = dict(batch_size=32)
val_evaluator = [
    dict(type='mmbdg.ReconstructionPSNR'),
    dict(
        type='mmbdg.KernelDistance',
        name='resnet_fashion32',
        classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
    ),
]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
val_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=4e-3, betas=(0.9, 0.99)), clip_grad=dict(max_norm=1.0))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, begin=0, end=min(20, iterations), by_epoch=False),
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iterations // 2, end=iterations, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=min(300, iterations)))
custom_hooks = [dict(type='mmbdg.ExportPretrainedHook', folder='autoencoder')]
requires = dict(classifier_weights='the classifier that evaluates them: python tools/train.py configs/classifier/resnet_fashion32.py')
next_step = 'python tools/train.py configs/diffusion/latent_fashion32.py --cfg-options autoencoder={work_dir}/autoencoder'
