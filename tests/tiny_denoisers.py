"""Tiny diffusion generators of each kind of denoiser, with random weights."""

DDIM = dict(type='DDIMScheduler', beta_schedule='scaled_linear', clip_sample=False, timestep_spacing='trailing')
TINY_KL = dict(
    type='AutoencoderKL',
    block_out_channels=(4, 8),
    down_block_types=('DownEncoderBlock2D',) * 2,
    up_block_types=('UpDecoderBlock2D',) * 2,
    latent_channels=4,
    norm_num_groups=4,
)
SMALL_TINY = dict(
    type='AutoencoderTiny',
    encoder_block_out_channels=(4, 4),
    decoder_block_out_channels=(4, 4),
    num_encoder_blocks=(0, 1),
    num_decoder_blocks=(1, 1),
)
TINY_DIFFUSION = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='UNet2DConditionModel',
        sample_size=8,
        block_out_channels=(8, 16),
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
        up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=4,
        norm_num_groups=4,
    ),
    autoencoder=TINY_KL,
    scheduler=DDIM,
    num_classes=3,
    context_length=5,
    steps=2,
    guidance=2.0,
    timesteps=(900, 300),
    attention_maps=True,
)
"""A latent text-to-image model: 16 px."""
TINY_PIXEL_DIFFUSION = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='UNet2DModel',
        sample_size=16,
        block_out_channels=(8, 16),
        down_block_types=('DownBlock2D', 'AttnDownBlock2D'),
        up_block_types=('AttnUpBlock2D', 'UpBlock2D'),
        layers_per_block=1,
        attention_head_dim=4,
        norm_num_groups=4,
        num_class_embeds=3,
    ),
    scheduler=dict(type='DDPMScheduler'),
    num_classes=3,
    steps=2,
)
"""A class-conditional model of pixels, with a scheduler that adds noise: 16 px."""
TINY_DIT = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='DiTTransformer2DModel',
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        num_layers=3,
        sample_size=8,
        patch_size=2,
        num_embeds_ada_norm=3,
    ),
    autoencoder=SMALL_TINY,
    scheduler=DDIM,
    num_classes=3,
    steps=2,
    guidance=3.0,
    tapped_half='mean',
)
"""A class-conditional transformer: 16 px."""
TINY_SD3 = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='SD3Transformer2DModel',
        sample_size=8,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=16,
        caption_projection_dim=16,
        pooled_projection_dim=12,
        pos_embed_max_size=8,
    ),
    autoencoder=dict(TINY_KL, shift_factor=0.1, use_quant_conv=False, use_post_quant_conv=False),
    scheduler=dict(type='FlowMatchEulerDiscreteScheduler', shift=3.0),
    num_classes=3,
    context_length=5,
    steps=2,
    guidance=2.0,
    attention_maps=True,
)
"""A flow-matching transformer with joint attention of image and text: 16 px."""
TINY_DENOISERS = {
    'DiffusionGenerator': TINY_DIFFUSION,
    'DiffusionGenerator of pixels': TINY_PIXEL_DIFFUSION,
    'DiffusionGenerator DiT': TINY_DIT,
    'DiffusionGenerator SD3': TINY_SD3,
}
