"""Real garments perturbed by the embedded diffusion model (SDEdit), at strength gamma.

python tools/synthesize.py configs/synthesis/perturbation_fashion32.py OUT_DIR
python tools/synthesize.py configs/synthesis/perturbation_fashion32.py OUT_DIR --cfg-options gamma=0.2
"""

diffusion_model, init, gamma = 'mmbdg://fashion32/diffusion', 'data/garments_retrieved', 0.5
synthesis = dict(
    source=dict(
        type='mmbdg.DiffusionSource',
        model=diffusion_model,
        classes='fashion32',
        prompts=['a photo of a {}'],
        init=init,
        strength=gamma,
        steps=20,  # 4 of them are run at gamma 0.2, 10 at 0.5
        guidance=2.0,
        licence='MIT',
    ),
    num_per_class=100,
    candidates=50,
    seed=0,
)
requires = dict(
    diffusion_model='the embedded diffusion model; or a folder of your own, trained by tools/train.py or published',
    init='images to perturb: a dataset of tools/synthesize.py, such as retrieved images; or folders of images by class',
)
