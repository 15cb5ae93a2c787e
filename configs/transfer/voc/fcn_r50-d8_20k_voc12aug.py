"""PASCAL VOC semantic segmentation: FCN, 20k iterations on train_aug (BigDatasetGAN, Table 4 and Figure 10; five runs).

    tools/dist_train.sh configs/transfer/voc/fcn_r50-d8_20k_voc12aug.py 4 --cfg-options pretrained=BACKBONE
    tools/dist_test.sh  configs/transfer/voc/fcn_r50-d8_20k_voc12aug.py work_dirs/fcn_r50-d8_20k_voc12aug/iter_20000.pth 4

This is mmseg's fcn_r50-d8_4xb4-20k_voc12aug-512x512.py with a plain ResNet. Not run by us at this size.
"""

_base_ = '../../_base_/transfer/fcn_r50-d8.py'

pretrained = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'  # None: random initialisation
data_root = 'data/VOCdevkit'
iterations = 20000  # paper

crop_size = (512, 512)  # DenseCL
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)),
    decode_head=dict(num_classes=21),
    auxiliary_head=dict(num_classes=21),
)

train_pipeline = [  # mmseg
    dict(type='mmbdg.LoadImage'),
    dict(type='mmbdg.LoadMask'),
    dict(type='RandomResize', scale=(2048, 512), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),  # the data preprocessor pads
]
images = dict(type='PascalVOCDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=4,  # per GPU; DenseCL: 16 in total, on 4 GPUs
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='ConcatDataset',
        datasets=[  # paper: train_aug2012, 10,582 images: 1,464 of VOC's train, and 9,118 of SBD that are not in VOC's train or val
            dict(
                ann_file='VOC2012/ImageSets/Segmentation/train.txt',
                data_prefix=dict(img_path='VOC2012/JPEGImages', seg_map_path='VOC2012/SegmentationClass'),
                pipeline=train_pipeline,
                **images,
            ),
            dict(
                ann_file='VOC2012/ImageSets/Segmentation/aug.txt',
                data_prefix=dict(img_path='VOC2012/JPEGImages', seg_map_path='VOC2012/SegmentationClassAug'),
                pipeline=train_pipeline,
                **images,
            ),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file='VOC2012/ImageSets/Segmentation/val.txt',  # paper: val2012
        data_prefix=dict(img_path='VOC2012/JPEGImages', seg_map_path='VOC2012/SegmentationClass'),
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=(2048, 512), keep_ratio=True),  # mmseg
            dict(type='mmbdg.LoadMask'),
            dict(type='PackSegInputs'),
        ],
        **images,
    ),
)
test_dataloader = val_dataloader

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=2000)  # the iterations of Figure 10
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=iterations, by_epoch=False)]  # mmseg
default_hooks = dict(checkpoint=dict(interval=2000))
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

requires = dict(
    pretrained='a pre-trained ResNet-50: python tools/extract_backbone.py CHECKPOINT '
    'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
    data_root='VOC 2012 with the annotations of SBD: python tools/dataset_converters/voc.py data/VOCdevkit (docs/transfer/data.md)',
)
