"""BigGAN-512, label space mc128: background and 127 groups of WordNet. One softmax head tells all of them apart."""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc128'
model = dict(interpreter=dict(member=dict(num_outputs=128)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc128'))
