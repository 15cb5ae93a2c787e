"""BigGAN at 256 px on ImageNet: 82.1 M parameters.

Make its weights with tools/convert_generator.py --from tfhub, ajbrock or ivclab. The converter prints the options for the source:
output_eps=1e-4 for DeepMind's weights (tfhub, ivclab), truncation_rows=50 if the weights have batch statistics per truncation.
"""

generator_weights = 'data/generators/biggan-256.safetensors'
generator = dict(type='mmbdg.BigGAN', resolution=256, init_cfg=dict(type='Pretrained', checkpoint=generator_weights))
requires = dict(generator_weights='weights of BigGAN-256, converted by tools/convert_generator.py')
