"""Joint pre-training at the paper's scale: ImageNet and BigGAN-sim 100k, ResNet-50, batch 256 on 8 GPUs (BigDatasetGAN, section 5.3).

    tools/dist_train.sh configs/densecl_biggan_fpn_in1k.py 8

Starts from epoch 150 of DenseCL's 200 and trains the last 50 jointly. Not run by us: neither the data nor eight GPUs were at hand.
"""

_base_ = 'mmpretrain::densecl/densecl_resnet50_8xb32-coslr-200e_in1k.py'

imagenet = 'data/imagenet/'
synthetic = 'data/biggan_sim_100k'
label_space = 'classes'  # one label for each of the generator's 1,000 classes
num_labels = 1001
seg_loss_weight = 1.0  # ours; not in the paper's main text
load_from = 'work_dirs/densecl_r50_150of200ep_in1k/epoch_150.pth'
ignore = 65535  # masks of more than 254 labels are uint16

model = dict(
    type='mmbdg.JointDenseCL',
    data_preprocessor=dict(
        type='mmbdg.JointDataPreprocessor',
        ssl=dict(type='mmpretrain.SelfSupDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True),
        seg=dict(
            type='mmseg.SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
            size=(224, 224),
            seg_pad_val=ignore,
        ),
    ),
    seg_neck=dict(type='mmseg.FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=4),
    seg_head=dict(  # semantic FPN (Panoptic FPN), as the paper says
        type='mmseg.FPNHead',
        _scope_='mmseg',
        in_channels=[256] * 4,
        in_index=[0, 1, 2, 3],
        feature_strides=[4, 8, 16, 32],
        channels=128,
        dropout_ratio=0.1,
        num_classes=num_labels,
        ignore_index=ignore,
        norm_cfg=dict(type='SyncBN'),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=seg_loss_weight),
    ),
)

train_dataloader = dict(
    batch_size=32,  # x 8 GPUs; as many synthetic images as real ones
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        ssl=dict(type='mmpretrain.ImageNet', data_root=imagenet, split='train', pipeline=_base_.train_pipeline),
        seg=dict(
            type='mmbdg.SyntheticSegDataset',
            data_root=synthetic,
            label_space=label_space,
            ignore_index=ignore,
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='mmbdg.LoadMask'),
                dict(type='mmseg.RandomResize', scale=(256, 256), ratio_range=(0.9, 1.5), resize_type='mmseg.Resize'),
                dict(type='mmseg.RandomCrop', crop_size=(224, 224), ignore_index=ignore),
                dict(type='mmseg.RandomFlip', prob=0.5),
                dict(type='mmseg.PackSegInputs'),
            ],
        ),
    ),
)

optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.03, weight_decay=1e-4, momentum=0.9))
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=50)
param_scheduler = [dict(type='mmbdg.ContinuedCosineLR', T_max=200, elapsed=150, by_epoch=True)]  # lr 0.0044 -> 0
find_unused_parameters = False
custom_hooks = [dict(type='mmbdg.QueueReportHook')]

reach = dict(
    imagenet=['train_dataloader.dataset.ssl.data_root'],
    synthetic=['train_dataloader.dataset.seg.data_root'],
    label_space=['train_dataloader.dataset.seg.label_space'],
    num_labels=['model.seg_head.num_classes'],
    seg_loss_weight=['model.seg_head.loss_decode.loss_weight'],
)
requires = {
    'imagenet': 'ImageNet-1k (ILSVRC2012): images in data/imagenet/train/<wnid>/*.JPEG',
    'synthetic': 'BigGAN-sim: python tools/synthesize.py configs/synthesis/biggan512_in1k.py data/biggan_sim_100k --device cuda',
    'load_from': 'DenseCL after 150 of 200 epochs: tools/dist_train.sh configs/densecl_r50_150of200ep_in1k.py 8',
}
next_step = 'python tools/extract_backbone.py {checkpoint} {work_dir}/backbone.safetensors'
