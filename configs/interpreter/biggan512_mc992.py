"""Softmax heads for BigGAN-512 with the label space mc992: background and the 991 classes whose BigGAN samples are good enough to annotate.

The logits of 992 labels at 512 px take 1 GB per sample and member. With gradients, a batch of 4 takes about 16 GB. The members are computed
one after the other.
"""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc992'
model = dict(interpreter=dict(member=dict(num_outputs=992)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc992'))
