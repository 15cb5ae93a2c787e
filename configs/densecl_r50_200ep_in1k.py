"""DenseCL on ImageNet, 200 epochs, ResNet-50, batch 256 on 8 GPUs: the paper's baseline (BigDatasetGAN, section 5.3).

    tools/dist_train.sh configs/densecl_r50_200ep_in1k.py 8

All settings are those of DenseCL (arXiv:2011.09157) in mmpretrain: SGD 0.03, momentum 0.9, weight decay 1e-4, cosine schedule over 200
epochs, queue 65,536, temperature 0.2, lambda 0.5. Different from mmpretrain: the order and the augmentations of the images are functions of
their addresses, and the losses are computed in blocks. Not run by us.
"""

_base_ = 'mmpretrain::densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py'

imagenet = 'data/imagenet/'
model = dict(type='mmbdg.DenseCL')
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler', by_epoch=True),
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        ssl=dict(type='mmpretrain.ImageNet', data_root=imagenet, split='train', pipeline=_base_.train_pipeline),
    ),
)
find_unused_parameters = False
custom_hooks = [dict(type='mmbdg.QueueReportHook')]

requires = dict(imagenet='ImageNet-1k (ILSVRC2012): images in data/imagenet/train/<wnid>/*.JPEG')
next_step = 'python tools/extract_backbone.py {checkpoint} {work_dir}/backbone.safetensors'
