"""Softmax heads for BigGAN-512 with the label space mc100: background and 100 classes."""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc100'
model = dict(interpreter=dict(member=dict(num_outputs=101)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc100'))
