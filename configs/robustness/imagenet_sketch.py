"""ImageNet-Sketch: drawings in black and white of all 1,000 classes (Wang et al., 2019).

    python tools/test.py configs/robustness/imagenet_sketch.py CHECKPOINT
    python tools/test.py configs/robustness/imagenet_sketch.py CHECKPOINT --cfg-options network=vit-b16

CHECKPOINT is one of mmpretrain, or of a training with the same network. Not run by us, because the data was not available.
"""

_base_ = '../_base_/robustness_in1k.py'

test_set = 'sketch'
data_root = 'data/imagenet-sketch/sketch'
