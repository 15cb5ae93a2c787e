"""ImageNet-R: paintings, toys, cartoons and other renditions of 200 classes (Hendrycks et al., 2021).

    python tools/test.py configs/robustness/imagenet_r.py CHECKPOINT
    python tools/test.py configs/robustness/imagenet_r.py CHECKPOINT --cfg-options network=vit-b16

The published figure is subset/top1: the best of the 200 classes. CHECKPOINT is one of mmpretrain, or of a training with the same network.
Not run by us, because the data was not available.
"""

_base_ = '../_base_/robustness_in1k.py'

test_set = 'r'
data_root = 'data/imagenet-r'
test_evaluator = [*_base_.test_evaluator, dict(type='mmbdg.SubsetAccuracy', subset='imagenet-r', topk=(1, 5))]
