"""densecl_biggan_fpn_in1k.py with labelled samples of DiT-XL/2 instead of BigGAN-sim.

    tools/dist_train.sh configs/densecl_dit256_fpn_in1k.py 8

Not in the paper, which names newer generators as future work.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

synthetic = 'data/dit256_sim_100k'
requires = dict(synthetic='DiT-sim: python tools/synthesize.py configs/synthesis/dit256_in1k.py data/dit256_sim_100k --device cuda')
