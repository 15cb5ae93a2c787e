"""Feature interpreters with a lighter head: half the channels, and the finest group at 16 px."""

_base_ = 'biggan32_fashion.py'

model = dict(interpreter=dict(member=dict(widths=(12, 8, 6), stride=2)))
