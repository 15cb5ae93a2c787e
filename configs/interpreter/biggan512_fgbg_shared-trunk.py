"""BigGAN-512 with one trunk and sixteen output blocks: an ensemble at little more than the cost of one head.

The trunk is trained with the losses of all members in one graph, so one sample for each member is enough in an iteration. A feature map of
its 224 channels takes 3.5 GB for the batch of 16 (half of that with --amp), and several are kept.
"""

_base_ = 'biggan512_fgbg.py'

member_batch = 1
model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
