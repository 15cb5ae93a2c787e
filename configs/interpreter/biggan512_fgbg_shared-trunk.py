"""BigGAN-512 with one trunk and sixteen output blocks: an ensemble for hardly more than the price of one head.

The trunk learns from the parts of all, in one graph: one sample for each member does in an iteration. A map of its 224 channels for the
batch of 16 takes 3.5 GB (half of it with --amp), and several are kept.
"""

_base_ = 'biggan512_fgbg.py'

member_batch = 1
model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
