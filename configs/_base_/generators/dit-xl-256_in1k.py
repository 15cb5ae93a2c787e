"""DiT-XL/2 at 256 px, a class-conditional diffusion transformer of ImageNet's classes (Peebles and Xie, arXiv 2212.09748).

    python tools/convert_generator.py FOLDER data/generators/dit-xl-256.safetensors --from diffusers --classes in1k

FOLDER has the layout of diffusers, with safetensors. The paper has its best FID with guidance 1.5 and 250 DDPM steps; 50 DDIM steps are
ours. The paper's 675 M parameters are 750 M in diffusers, which has the embeddings of timestep and class in each block.
"""

generator_weights = 'data/generators/dit-xl-256.safetensors'
generator = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='DiTTransformer2DModel',
        num_attention_heads=16,
        attention_head_dim=72,
        in_channels=4,
        out_channels=8,
        num_layers=28,
        sample_size=32,
        patch_size=2,
        num_embeds_ada_norm=1000,
    ),
    autoencoder=dict(
        type='AutoencoderKL',
        block_out_channels=(128, 256, 512, 512),
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=256,
    ),
    scheduler=dict(type='DDIMScheduler', beta_schedule='linear', beta_start=0.0001, beta_end=0.02, clip_sample=False),
    num_classes=1000,
    steps=50,
    guidance=1.5,
    init_cfg=dict(type='Pretrained', checkpoint=generator_weights),
)
requires = dict(generator_weights='the folder of DiT-XL/2 at 256 px, converted by tools/convert_generator.py --from diffusers')
