"""Images of ImageNet's classes by DiT-XL/2 at 256 px, a class-conditional model: no prompts.

    python tools/synthesize.py configs/synthesis/diffusion_dit256_in1k.py data/dit_in1k --device cuda

Its labels are ImageNet's classes in the order of their wnids, as in mmbdg. The DiT paper (arXiv 2212.09748) has its best FID with guidance
1.5 and 250 DDPM steps. Not run by us: the weights were not available.
"""

diffusion_model = 'data/models/DiT-XL-2-256'
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='in1k',
        steps=50,
        guidance=1.5,
        scheduler=dict(type='DDIMScheduler'),  # DiTPipeline cannot run a stochastic scheduler from given generators
        precision='float16',
        licence='CC BY-NC 4.0 (model)',
    ),
    num_per_class=1300,
    candidates=50,
    batch_size=16,
    seed=0,
)
requires = dict(
    diffusion_model='the folder of DiT-XL/2 with safetensors, in the layout of diffusers: model_index.json, transformer/, vae/, scheduler/'
)
