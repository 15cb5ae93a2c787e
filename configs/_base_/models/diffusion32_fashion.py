"""The embedded diffusion model of ten garment classes as a generator: 32 px, 1.0 M parameters.

The parts are those of its folder, as ``python tools/convert_generator.py FOLDER DST --from diffusers --classes fashion32`` prints them.
"""

_base_ = 'diffusion32_parts.py'

generator = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
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
    autoencoder=_base_.autoencoder,
    scheduler=_base_.scheduler,
    num_classes=10,
    context_length=24,
    steps=10,
    guidance=2.0,  # the smallest kernel distance (docs/diffusion.md)
    timesteps=(100,),
)
