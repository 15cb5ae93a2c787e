"""Labelled samples of ImageNet's classes by Stable Diffusion 1.5 at 512 px, 100 of each class, with the filters of BigDatasetGAN.

    torchrun --nproc_per_node=8 tools/synthesize.py configs/synthesis/sd15_in1k.py data/sd15_sim_100k --device cuda

The masks are those of feature interpreters; configs/synthesis/diffusion_sd15_in1k.py makes images of many prompts without masks. Nine of
ten candidates are rejected, and each costs twenty steps: a lower rate is cheaper. Needs a labelled generator in
work_dirs/sd15_fgbg/labelled_generator and the weights of a ResNet-50 on ImageNet. Not run by us, because the weights were not available.
"""

_base_ = 'biggan512_in1k.py'

labelled_generator = 'work_dirs/sd15_fgbg/labelled_generator'
synthesis = dict(
    source=dict(
        labelled_generator=labelled_generator,
        truncation=None,  # a diffusion model needs the full variance of its noise
        precision='bfloat16',
    ),
    batch_size=8,  # 512 px
)
requires = dict(
    labelled_generator='a labelled generator of Stable Diffusion 1.5: what the training of its interpreters writes into its work dir'
)
