"""Softmax heads for BigGAN-512 with the label space mc128: background and 127 WordNet groups."""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc128'
model = dict(interpreter=dict(member=dict(num_outputs=128)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc128'))
