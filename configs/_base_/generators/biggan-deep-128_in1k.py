"""BigGAN-deep at 128 px on ImageNet: 50.4 M parameters.

Make its weights with tools/convert_generator.py --from hf-deep (or mmagic-deep). The weights of mmagic need truncation_rows=1 and
rgb_outputs=3; the converter prints these options. Needs pip install "mmbdg[deep]".
"""

generator_weights = 'data/generators/biggan-deep-128.safetensors'
generator = dict(type='mmbdg.BigGANDeep', resolution=128, init_cfg=dict(type='Pretrained', checkpoint=generator_weights))
requires = dict(generator_weights='weights of BigGAN-deep-128, converted by tools/convert_generator.py')
