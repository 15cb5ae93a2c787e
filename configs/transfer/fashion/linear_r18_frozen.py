"""Transfer with a linear head: what the frozen features hold without a head that learns features of its own.

    python tools/train.py configs/transfer/fashion/linear_r18_frozen.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/linear_r18_frozen.py work_dirs/linear_r18_frozen/iter_300.pth

As fcn_r18_frozen.py, but the head is its last layer alone, one 1x1 convolution.
"""

_base_ = 'fcn_r18_frozen.py'

model = dict(decode_head=dict(num_convs=0, concat_input=False, channels=512))
