"""DCGAN at 64 px, trained on DigiFace-1M by the authors of the package gan-face-generate (MIT), which contains the weights.

Needs pip install --no-deps gan-face-generate; --no-deps, because its dependencies (wandb and others) are only needed for its own training.
The generator is unconditional: one class.
"""

generator = dict(
    type='mmbdg.DCGAN',
    resolution=64,
    init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint='package://gan_face_generate/weights.tar', source='dcgan'),
)
