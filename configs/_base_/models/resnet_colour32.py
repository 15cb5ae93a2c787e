"""The ResNet of resnet_fashion32.py with twice the width, for the garments in colour: 0.70 M parameters, 128 features."""

_base_ = 'resnet_fashion32.py'

classifier = dict(
    data_preprocessor=dict(mean=[127.5] * 3, std=[64.0] * 3, to_rgb=True),
    backbone=dict(stem_channels=32, base_channels=32),
    head=dict(in_channels=128),
)
