"""Feature interpreters for BigGAN-512 with one shared trunk and sixteen output blocks. The cost is little more than that of one head.

The trunk is trained with the losses of all members in one graph, so one sample per member and iteration is enough. A feature map of its 224
channels takes 3.5 GB for the batch of 16 (half of that with --amp), and several feature maps are in memory at the same time.
"""

_base_ = 'biggan512_fgbg.py'

member_batch = 1
model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
