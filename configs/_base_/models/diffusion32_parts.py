"""Parts that the embedded diffusion models share: the autoencoder and the noise schedule."""

autoencoder = dict(
    type='AutoencoderTiny',
    encoder_block_out_channels=(16, 16, 16),
    decoder_block_out_channels=(16, 16, 16),
    num_encoder_blocks=(0, 0, 1),
    num_decoder_blocks=(2, 1, 1),
    latent_channels=8,
    scaling_factor=1.235206,
)
schedule = dict(
    beta_schedule='scaled_linear',
    beta_start=0.00085,
    beta_end=0.012,
    prediction_type='v_prediction',
    rescale_betas_zero_snr=True,
    timestep_spacing='trailing',
    steps_offset=1,
)
scheduler = dict(type='DDIMScheduler', clip_sample=False, **schedule)
