"""ImageNet-V2: 10,000 photographs that were collected as ImageNet's validation set was (Recht et al., 2019).

    python tools/test.py configs/robustness/imagenet_v2.py CHECKPOINT
    python tools/test.py configs/robustness/imagenet_v2.py CHECKPOINT --cfg-options network=vit-b16 variant=top-images

CHECKPOINT is one of mmpretrain, or of a training with the same network. Not run by us, because the data was not available.
"""

_base_ = '../_base_/robustness_in1k.py'

variant = 'matched-frequency'  # or threshold0.7, top-images
test_set = 'v2'
data_root = f'data/imagenet-v2/imagenetv2-{variant}-format-val'
