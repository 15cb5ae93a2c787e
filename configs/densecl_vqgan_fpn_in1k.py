"""densecl_biggan_fpn_in1k.py with VQGAN-sim 100k instead of BigGAN-sim.

    tools/dist_train.sh configs/densecl_vqgan_fpn_in1k.py 8

The dataset is in the paper (BigDatasetGAN, Table 1), joint pre-training with it is not.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

synthetic = 'data/vqgan_sim_100k'
requires = dict(synthetic='VQGAN-sim: python tools/synthesize.py configs/synthesis/vqgan256_in1k.py data/vqgan_sim_100k --device cuda')
