"""One trunk and sixteen output blocks. The trunk learns from the parts of all, so one sample for each member does in an iteration."""

_base_ = 'biggan32_fashion.py'

model = dict(interpreter=dict(type='mmbdg.SharedTrunkEnsemble', own='output'))
train_dataloader = dict(batch_size=16, sampler=dict(per_member=1))
