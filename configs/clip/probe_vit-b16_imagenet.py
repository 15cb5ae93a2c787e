"""Linear probe of CLIP ViT-B-16 on ImageNet, after "The Unmet Promise". Not run by us.

    python tools/train.py configs/clip/probe_vit-b16_imagenet.py
    python tools/train.py configs/clip/probe_vit-b16_imagenet.py --cfg-options tuned=work_dirs/vit-b16_imagenet/epoch_10.pth

The numbers and their sources: configs/_base_/clip_probe.py.
"""

_base_ = ['../_base_/clip_probe.py', '../_base_/datasets/clip_imagenet.py']

learning_rate = 1e-3  # code, adapt/conf/imagenet.yaml
weight_decay = 0  # code, imagenet.yaml
epochs = 40  # code, imagenet.yaml
model = dict(head=dict(num_classes=1000))
train_dataloader = dict(dataset=dict(**_base_.encoded, dataset=_base_.probe_set))
test_dataloader = dict(dataset=dict(**_base_.encoded, dataset=_base_.test_set))
