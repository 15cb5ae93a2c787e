"""The diffusion transformer of the garments in colour as a generator: 32 px, class labels (configs/diffusion/transformer_colour32.py)."""

_base_ = 'transformer32_fashion.py'

scaling_factor = 1.123478  # of our autoencoder; each training has its own, in the config.json of its folder
generator = dict(
    denoiser=dict(in_channels=16, out_channels=16, attention_head_dim=32),
    autoencoder=dict(
        encoder_block_out_channels=(32, 32, 32),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(1, 1, 1),
        latent_channels=16,
        scaling_factor=scaling_factor,
    ),
)
