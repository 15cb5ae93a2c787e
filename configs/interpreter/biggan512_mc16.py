"""BigGAN-512, label space mc16: background and the 15 names of PASCAL VOC that ImageNet has. One softmax head tells all of them apart."""

_base_ = 'biggan512_fgbg.py'

label_space = 'mc16'
model = dict(interpreter=dict(member=dict(num_outputs=16)))
default_hooks = dict(checkpoint=dict(save_best='mIoU_mc16'))
