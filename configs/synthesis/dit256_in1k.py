"""Labelled samples of ImageNet's classes by DiT-XL/2 at 256 px, 100 of each class, with the filters of BigDatasetGAN.

    torchrun --nproc_per_node=8 tools/synthesize.py configs/synthesis/dit256_in1k.py data/dit256_sim_100k --device cuda

The class-conditional successor of BigGAN-512: no prompts. Nine of ten candidates are rejected, and each costs fifty steps: a lower rate
is cheaper. Needs a labelled generator in work_dirs/dit-xl-256_fgbg/labelled_generator and the weights of a ResNet-50 on ImageNet. Not run
by us, because the weights were not available.
"""

_base_ = 'biggan512_in1k.py'

labelled_generator = 'work_dirs/dit-xl-256_fgbg/labelled_generator'
synthesis = dict(
    source=dict(
        labelled_generator=labelled_generator,
        truncation=None,  # a diffusion model needs the full variance of its noise
        precision='bfloat16',
    ),
    batch_size=32,  # 256 px
)
requires = dict(
    labelled_generator='a labelled generator of DiT-XL/2: what the training of its feature interpreters writes into its work dir'
)
