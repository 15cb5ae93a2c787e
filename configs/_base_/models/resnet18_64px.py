"""A ResNet-18 for 64 px: the last stage keeps its resolution, so DenseCL's grid is 4x4; keys and shapes are those of any ResNet-18."""

backbone = dict(type='mmseg.ResNet', depth=18, num_stages=4, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), style='pytorch')
strides = [4, 8, 16, 16]  # of the four stages
channels = [64, 128, 256, 512]
