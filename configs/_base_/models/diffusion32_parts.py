"""Parts that the embedded diffusion models share: the autoencoder and the noise schedule."""

_base_ = 'diffusion_noise.py'

autoencoder = dict(
    type='AutoencoderTiny',
    encoder_block_out_channels=(16, 16, 16),
    decoder_block_out_channels=(16, 16, 16),
    num_encoder_blocks=(0, 0, 1),
    num_decoder_blocks=(2, 1, 1),
    latent_channels=8,
    scaling_factor=1.235206,
)
scheduler = dict(type='DDIMScheduler', clip_sample=False, **_base_.schedule)
