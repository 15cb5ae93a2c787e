"""Real garments perturbed by the embedded diffusion model (SDEdit), at strength gamma.

python tools/synthesize.py configs/synthesis/perturbation_fashion32.py OUT_DIR
python tools/synthesize.py configs/synthesis/perturbation_fashion32.py OUT_DIR --cfg-options gamma=0.2
"""

_base_ = 'diffusion_fashion32.py'
init, gamma = 'data/garments_retrieved', 0.5
synthesis = dict(source=dict(init=init, strength=gamma, steps=20))  # 4 of them are run at gamma 0.2, 10 at 0.5
requires = dict(init='images to perturb: a dataset of tools/synthesize.py, such as retrieved images; or folders of images by class')
