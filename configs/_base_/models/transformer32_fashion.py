"""The embedded diffusion transformer of ten garment classes as a generator: 32 px, class labels instead of text."""

_base_ = 'diffusion32_parts.py'

generator = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='DiTTransformer2DModel',
        sample_size=8,
        patch_size=1,
        in_channels=8,
        out_channels=8,
        num_layers=4,
        num_attention_heads=4,
        attention_head_dim=24,
    ),
    autoencoder=_base_.autoencoder,
    scheduler=_base_.scheduler,
    num_classes=10,  # the first of the 1,000 labels of a DiTPipeline
    steps=10,
    guidance=2.0,
    timesteps=(100,),
)
