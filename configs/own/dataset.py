"""Your own images: copy this folder, edit this file, and follow README.md beside it."""

_base_ = 'mmbdg::_base_/runtime.py'

data_root = 'data/own'
work_root = 'work_dirs/own'
class_names = ('first', 'second')  # the folders in data_root/images
resolution = 64  # of the GAN and its labelled images: 32, 64 or 128; all sizes follow from it in networks.py
label_space = 'classes'  # or 'fgbg': what the segmentation networks tell apart
mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
