"""BigGAN-deep at 512 px on ImageNet: 56.2 M parameters.

Make its weights with tools/convert_generator.py --from hf-deep (or mmagic-deep). The weights of mmagic need truncation_rows=1 and
rgb_outputs=3; the converter prints these options. Needs pip install "mmbdg[deep]".
"""

generator_weights = 'data/generators/biggan-deep-512.safetensors'
generator = dict(type='mmbdg.BigGANDeep', resolution=512, init_cfg=dict(type='Pretrained', checkpoint=generator_weights))
requires = dict(generator_weights='weights of BigGAN-deep-512, converted by tools/convert_generator.py')
