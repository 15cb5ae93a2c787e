"""VQGAN at 256 px with the class-conditional transformer on ImageNet: 1.49 G parameters.

Make its weights with tools/convert_generator.py --from taming. top_k and top_p are those of BigDatasetGAN (section 3.2).
"""

generator_weights = 'data/generators/vqgan-256.safetensors'
generator = dict(
    type='mmbdg.VQGAN',
    resolution=256,
    top_k=200,
    top_p=0.92,
    init_cfg=dict(type='Pretrained', checkpoint=generator_weights),
)
requires = dict(generator_weights='weights of cin_transformer, converted by tools/convert_generator.py')
