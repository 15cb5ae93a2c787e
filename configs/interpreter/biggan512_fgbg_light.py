"""Feature interpreters for BigGAN-512 with a lighter head, for large syntheses: half the channels, and the finest group at 256 px."""

_base_ = 'biggan512_fgbg.py'

model = dict(interpreter=dict(member=dict(widths=(64, 32, 16), stride=2)))
