"""One trunk and sixteen output blocks. The trunk learns from the parts of all, so one sample for each member does in an iteration."""

_base_ = 'biggan32_fashion.py'

member_batch = 1
model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
