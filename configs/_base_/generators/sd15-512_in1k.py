"""Stable Diffusion 1.5 at 512 px with the prompts of ImageNet's classes: 859,520,964 parameters, and 83,653,863 of the autoencoder.

    python tools/convert_generator.py FOLDER data/generators/sd15.safetensors --from diffusers --classes in1k --prompt "a photo of a {}"

FOLDER has the layout of diffusers, with safetensors. The sampler is DPM-Solver++ (Lu et al., arXiv 2211.01095) with 20 steps. Guidance
7.5 is the default of diffusers; a lower one gives more varied images.
"""

generator_weights = 'data/generators/sd15.safetensors'
generator = dict(
    type='mmbdg.DiffusionGenerator',
    denoiser=dict(
        type='UNet2DConditionModel',
        sample_size=64,
        block_out_channels=(320, 640, 1280, 1280),
        cross_attention_dim=768,
        attention_head_dim=8,
    ),
    autoencoder=dict(
        type='AutoencoderKL',
        block_out_channels=(128, 256, 512, 512),
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
        layers_per_block=2,
        latent_channels=4,
        sample_size=512,
    ),
    scheduler=dict(type='DPMSolverMultistepScheduler', beta_schedule='scaled_linear', beta_start=0.00085, beta_end=0.012, steps_offset=1),
    num_classes=1000,
    context_length=77,
    steps=20,
    guidance=7.5,
    init_cfg=dict(type='Pretrained', checkpoint=generator_weights),
)
requires = dict(generator_weights='the folder of Stable Diffusion 1.5, converted by tools/convert_generator.py --from diffusers')
