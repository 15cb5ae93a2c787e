"""Your own images: copy this folder, edit this file, and follow README.md beside it."""

_base_ = 'mmbdg::_base_/runtime.py'

data_root = 'data/own'
work_root = 'work_dirs/own'
class_names = ('first', 'second')  # the folders in data_root/images
resolution = 64  # the networks of this folder are laid out for 64 px
mean, std = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
