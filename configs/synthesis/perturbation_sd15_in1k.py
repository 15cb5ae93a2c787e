"""ImageNet's training images perturbed by Stable Diffusion 1.5, as in "The Unmet Promise" (arXiv 2406.05184, appendix E.1).

    python tools/synthesize.py configs/synthesis/perturbation_sd15_in1k.py data/perturbed_in1k --device cuda
    ... --cfg-options gamma=0.2

The paper perturbs retrieved images, with gamma from 0.1 to 1.0, and squashes them to squares (squash=True). Here an image keeps its aspect
ratio and loses its margins. Not run by us: the weights were not available.
"""

diffusion_model, init, gamma = 'data/models/stable-diffusion-v1-5', 'data/imagenet/train', 0.5
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='in1k',
        prompts=['a photo of {}'],
        init=init,
        strength=gamma,
        steps=50,
        guidance=2.0,
        size=512,
        resolution=256,
        scheduler=dict(type='DDIMScheduler'),
        precision='float16',
        licence='CreativeML Open RAIL-M (model); the images keep their own licences',
    ),
    num_per_class=1300,
    candidates=50,
    batch_size=8,
    seed=0,
)
requires = dict(
    diffusion_model='the folder of Stable Diffusion 1.5 with safetensors, in the layout of diffusers: model_index.json, unet/, vae/, ...',
    init='images to perturb: a folder for each class, named by its wnid, or a dataset of tools/synthesize.py, such as retrieved images',
)
