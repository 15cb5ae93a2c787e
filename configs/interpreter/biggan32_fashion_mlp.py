"""Baseline with DatasetGAN's per-pixel networks instead of feature interpreters, trained on 64 random pixels of each image."""

_base_ = 'biggan32_fashion.py'

model = dict(pixels_per_image=64, interpreter=dict(member=dict(_delete_=True, type='mmbdg.PixelMLP', num_outputs=1)))
