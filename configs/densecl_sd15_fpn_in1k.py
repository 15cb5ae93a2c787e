"""densecl_biggan_fpn_in1k.py with labelled samples of Stable Diffusion 1.5 instead of BigGAN-sim.

    tools/dist_train.sh configs/densecl_sd15_fpn_in1k.py 8

Not in the paper, which names newer generators as future work.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

synthetic = 'data/sd15_sim_100k'
requires = dict(synthetic='SD-sim: python tools/synthesize.py configs/synthesis/sd15_in1k.py data/sd15_sim_100k --device cuda')
