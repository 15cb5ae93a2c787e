"""The diffusion transformer of the garments in colour as a generator: 32 px, class labels (configs/diffusion/transformer_colour32.py)."""

_base_ = 'diffusion_noise.py'

generator = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='DiTTransformer2DModel',
        sample_size=8,
        patch_size=1,
        in_channels=16,
        out_channels=16,
        num_layers=4,
        num_attention_heads=4,
        attention_head_dim=32,
    ),
    autoencoder=dict(
        type='AutoencoderTiny',
        encoder_block_out_channels=(32, 32, 32),
        decoder_block_out_channels=(32, 32, 32),
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(2, 1, 1),
        latent_channels=16,
        scaling_factor=1.0,  # of the trained autoencoder
    ),
    scheduler=dict(type='DDIMScheduler', clip_sample=False, **_base_.schedule),
    num_classes=10,  # the first of the 1,000 labels of a DiTPipeline
    steps=10,
    guidance=2.0,
    timesteps=(100,),
)
