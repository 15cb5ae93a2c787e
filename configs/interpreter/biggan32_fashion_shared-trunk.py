"""Feature interpreters with one shared trunk and sixteen output blocks.

The trunk is trained with the samples of all members, so one sample per member and iteration is enough.
"""

_base_ = 'biggan32_fashion.py'

member_batch = 1
model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
