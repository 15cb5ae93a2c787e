"""Transfer with a linear head on a frozen ResNet-18. A linear head cannot learn features of its own, so it measures those of the backbone.

    python tools/train.py configs/transfer/fashion/linear_r18_frozen.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/linear_r18_frozen.py work_dirs/linear_r18_frozen/iter_300.pth

This is fpn_r18_frozen.py with another head: one 1x1 convolution on the concatenated feature maps of all four stages, resized to stride 4.
"""

_base_ = 'fpn_r18_frozen.py'

model = dict(
    neck=None,
    decode_head=dict(
        _delete_=True,
        type='FCNHead',
        in_channels=[64, 128, 256, 512],
        in_index=[0, 1, 2, 3],
        input_transform='resize_concat',
        channels=960,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0,
        num_classes=11,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False),
    ),
)
