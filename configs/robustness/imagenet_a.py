"""ImageNet-A: photographs of 200 classes that a ResNet-50 named wrongly (Hendrycks et al., 2021).

    python tools/test.py configs/robustness/imagenet_a.py CHECKPOINT
    python tools/test.py configs/robustness/imagenet_a.py CHECKPOINT --cfg-options network=vit-b16

The published figure is subset/top1: the best of the 200 classes. CHECKPOINT is one of mmpretrain, or of a training with the same network.
Not run by us, because the data was not available.
"""

_base_ = '../_base_/robustness_in1k.py'

test_set = 'a'
data_root = 'data/imagenet-a'
test_evaluator = [*_base_.test_evaluator, dict(type='mmbdg.SubsetAccuracy', subset='imagenet-a', topk=(1, 5))]
