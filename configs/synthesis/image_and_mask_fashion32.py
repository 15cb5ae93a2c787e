"""Garments with foreground masks by a diffusion model that makes both together, 100 a class.

python tools/train.py configs/diffusion/image_and_mask_fashion32.py
python tools/synthesize.py configs/synthesis/image_and_mask_fashion32.py OUT_DIR
"""

joint_model = 'work_dirs/image_and_mask_fashion32/diffusion'
synthesis = dict(
    source=dict(
        type='mmbdg.JointDiffusionSource',
        model=joint_model,
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
requires = dict(joint_model='a model of images and masks: python tools/train.py configs/diffusion/image_and_mask_fashion32.py')
