"""ResNet-18 for 64 px, and an FPN decoder whose logits have stride 4.

The last stage has stride 1 (dilated), so DenseCL's grid is 4x4. Keys and shapes of the weights are those of any ResNet-18. For an image of
32 px that was resized to 64 px, stride 4 corresponds to every second original pixel.
"""

backbone = dict(type='mmseg.ResNet', depth=18, num_stages=4, strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2), style='pytorch')
strides = [4, 8, 16, 16]  # total strides of the four stages
channels = [64, 128, 256, 512]
fpn = dict(type='mmseg.FPN', in_channels=channels, out_channels=64, num_outs=4)
fpn_head = dict(
    type='mmseg.FPNHead',
    _scope_='mmseg',
    in_channels=[64] * 4,
    in_index=[0, 1, 2, 3],
    feature_strides=strides,
    channels=64,
    dropout_ratio=0.1,
    num_classes=11,
    align_corners=False,
    loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
)
