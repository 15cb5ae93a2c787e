"""diffusion_fashion32.py with DPM-Solver++ (arXiv 2211.01095, second order) instead of DDIM; the noise schedule is the same.

python tools/train.py configs/interpreter/diffusion_fashion32_dpm.py --cfg-options annotated=DST generator.steps=20
"""

_base_ = 'diffusion_fashion32.py'

scheduler = dict(_delete_=True, type='DPMSolverMultistepScheduler', **_base_.schedule)
generator = dict(scheduler=scheduler)
model = dict(generator=generator)
val_dataloader = dict(dataset=dict(generator=generator))
test_dataloader = val_dataloader
