"""VQGAN-sim: 100 samples of each ImageNet class at 256 px (BigDatasetGAN, section 3.2).

    torchrun --nproc_per_node=8 tools/synthesize.py configs/synthesis/vqgan256_in1k.py data/vqgan_sim_100k --device cuda

The transformer is a hundred times slower than BigGAN. The tokens are stored, so that samples can be decoded again. Needs a labelled
generator of VQGAN-256 in work_dirs/vqgan256_fgbg/labelled_generator and the weights of a ResNet-50 on ImageNet. Not run by us, because the
weights were not available.
"""

_base_ = 'biggan512_in1k.py'

labelled_generator = 'work_dirs/vqgan256_fgbg/labelled_generator'
synthesis = dict(
    source=dict(
        labelled_generator=labelled_generator,
        truncation=None,  # z is uniform; the generator has top_k = 200 and top_p = 0.92 instead (paper)
    ),
    tokens=True,
    batch_size=16,  # 256 px
)
requires = dict(
    labelled_generator='a labelled generator of VQGAN-256: what the training of its feature interpreters writes into its work dir'
)
