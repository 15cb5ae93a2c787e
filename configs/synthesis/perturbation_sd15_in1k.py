"""ImageNet's training images perturbed by Stable Diffusion 1.5, as in "The Unmet Promise" (arXiv 2406.05184, appendix E.1).

    python tools/synthesize.py configs/synthesis/perturbation_sd15_in1k.py data/perturbed_in1k --device cuda
    ... --cfg-options gamma=0.2

The paper perturbs retrieved images, with gamma from 0.1 to 1.0, and squashes them to squares (squash=True). Here an image keeps its aspect
ratio and loses its margins. Not run by us: the weights were not available.
"""

_base_ = 'diffusion_sd15_in1k.py'
prompts_file, init, gamma = ['a photo of {}'], 'data/imagenet/train', 0.5
synthesis = dict(
    source=dict(init=init, strength=gamma, licence='CreativeML Open RAIL-M (model); the images keep their own licences'),
)
requires = dict(
    init='images to perturb: a folder for each class, named by its wnid, or a dataset of tools/synthesize.py, such as retrieved images',
)
