"""A lighter head for BigGAN-512: half the channels, and the finest group at 256 px. For synthesis at scale."""

_base_ = 'biggan512_fgbg.py'

model = dict(interpreter=dict(member=dict(widths=(64, 32, 16), stride=2)))
