"""Images of ImageNet's classes by Stable Diffusion 1.5, with the sampling of "The Unmet Promise" (arXiv 2406.05184, appendix C.1).

    python tools/synthesize.py configs/synthesis/diffusion_sd15_in1k.py data/diffusion_in1k --device cuda
    torchrun --nproc_per_node=8 tools/synthesize.py configs/synthesis/diffusion_sd15_in1k.py data/diffusion_in1k --device cuda
    ... --cfg-options diffusion_model=hf://stable-diffusion-v1-5/stable-diffusion-v1-5@main prompts_file="['a photo of a {}']"

50 DDIM steps, guidance 2.0, 512 px saved at 256. Not run by us: the weights were not available.
"""

diffusion_model, prompts_file = 'data/models/stable-diffusion-v1-5', 'data/prompts/in1k.json'
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='in1k',
        prompts=prompts_file,
        steps=50,
        guidance=2.0,
        size=512,
        resolution=256,
        scheduler=dict(type='DDIMScheduler'),  # the model's own scheduler is PNDM
        precision='float16',
        licence='CreativeML Open RAIL-M (model)',
    ),
    num_per_class=1300,
    candidates=50,
    batch_size=8,
    seed=0,
)
requires = dict(
    diffusion_model='the folder of Stable Diffusion 1.5 with safetensors, in the layout of diffusers: model_index.json, unet/, vae/, ...',
    prompts_file='a file of prompts for each class; see docs/sources.md',
)
