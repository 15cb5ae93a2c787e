"""DCGAN at 64 px, trained on DigiFace-1M by the authors of the package gan-face-generate (MIT), which carries the weights.

Needs pip install gan-face-generate. Unconditional: one class.
"""

generator = dict(
    type='mmbdg.DCGAN',
    resolution=64,
    init_cfg=dict(type='Pretrained', checkpoint='package://gan_face_generate/weights.tar', source='dcgan'),
)
