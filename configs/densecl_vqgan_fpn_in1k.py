"""As densecl_biggan_fpn_in1k.py on VQGAN-sim 100k (BigDatasetGAN, Table 1 has the dataset; its joint pre-training is ours).

tools/dist_train.sh configs/densecl_vqgan_fpn_in1k.py 8
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

synthetic = 'data/vqgan_sim_100k'
requires = dict(synthetic='VQGAN-sim: python tools/synthesize.py configs/synthesis/vqgan256_in1k.py data/vqgan_sim_100k --device cuda')
