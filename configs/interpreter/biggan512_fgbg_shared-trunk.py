"""BigGAN-512 with one trunk and sixteen output blocks: an ensemble for hardly more than the price of one head."""

_base_ = 'biggan512_fgbg.py'

model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
