"""Softmax heads for Stable Diffusion 1.5 with the label space mc16: background and the 15 PASCAL VOC classes that ImageNet contains."""

_base_ = 'sd15_fgbg.py'

label_space = 'mc16'
model = dict(interpreter=dict(member=dict(num_outputs=16)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc16'))
