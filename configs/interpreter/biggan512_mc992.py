"""BigGAN-512, label space MC-992: background and the 991 classes that BigGAN makes well enough to annotate, by one softmax head.

Logits of 992 labels at 512 px take 1 GB a sample and member; with their gradients a batch of 4 takes about 16 GB for each member in turn.
"""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc992'
model = dict(interpreter=dict(member=dict(num_outputs=992)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc992'))
