"""DCGAN at 64 px, trained on DigiFace-1M by the authors of the package gan-face-generate (MIT), which carries the weights.

Needs pip install --no-deps gan-face-generate (it would bring wandb and much else, for a training of its own). Unconditional: one class.
"""

generator = dict(
    type='mmbdg.DCGAN',
    resolution=64,
    init_cfg=dict(type='mmbdg.PublishedWeights', checkpoint='package://gan_face_generate/weights.tar', source='dcgan'),
)
