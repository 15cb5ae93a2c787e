"""Settings for your own images: copy this folder, edit this file, and follow README.md in this folder."""

_base_ = 'mmbdg::_base_/runtime.py'

data_root = 'data/own'
work_root = 'work_dirs/own'
class_names = ('first', 'second')  # names of the folders in data_root/images
resolution = 64  # height and width in pixels of the generated images: 32, 64 or 128; networks.py derives all sizes from it
label_space = 'classes'  # labels of the segmentation networks: 'classes' or 'fgbg'
mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
