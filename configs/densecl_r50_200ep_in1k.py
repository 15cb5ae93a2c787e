"""DenseCL on ImageNet, 200 epochs, ResNet-50, batch 256 on 8 GPUs: the paper's baseline (BigDatasetGAN, section 5.3).

    tools/dist_train.sh configs/densecl_r50_200ep_in1k.py 8

Every number is DenseCL's (arXiv:2011.09157), as mmpretrain has them: SGD 0.03, momentum 0.9, weight decay 1e-4, cosine over 200 epochs,
queue 65,536, temperature 0.2, lambda 0.5. Ours are the order and the augmentations by address, and the losses by blocks. Not run by us.
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
