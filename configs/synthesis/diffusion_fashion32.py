"""Garments by the embedded diffusion model, 100 a class.

python tools/synthesize.py configs/synthesis/diffusion_fashion32.py OUT_DIR
"""

diffusion_model = 'mmbdg://fashion32/diffusion'
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='fashion32',
        prompts=['a photo of a {}'],
        steps=10,
        guidance=2.0,
        licence='MIT',
    ),
    num_per_class=100,
    candidates=50,
    seed=0,
)
requires = dict(diffusion_model='the embedded diffusion model; or a folder of your own, trained by tools/train.py or published')
