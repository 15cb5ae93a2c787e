"""Garments by the embedded diffusion transformer, 100 a class: class labels instead of prompts.

python tools/synthesize.py configs/synthesis/transformer_fashion32.py OUT_DIR
"""

diffusion_model = 'mmbdg://fashion32/transformer'
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='fashion32',
        steps=10,
        guidance=2.0,
        licence='MIT',
    ),
    num_per_class=100,
    candidates=50,
    seed=0,
)
requires = dict(diffusion_model='the embedded model; or your own: python tools/train.py configs/diffusion/transformer_fashion32.py')
