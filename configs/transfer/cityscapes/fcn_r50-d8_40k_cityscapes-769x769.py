"""Cityscapes semantic segmentation: FCN, 40k iterations on train_fine (BigDatasetGAN, Table 6).

    tools/dist_train.sh configs/transfer/cityscapes/fcn_r50-d8_40k_cityscapes-769x769.py 4 --cfg-options pretrained=BACKBONE
    tools/dist_test.sh  configs/transfer/cityscapes/fcn_r50-d8_40k_cityscapes-769x769.py CHECKPOINT 4

The paper gives no schedule. This is DenseCL's: mmseg's fcn_r50-d8_4xb2-40k_cityscapes-769x769.py with a plain ResNet and 16 images per
iteration. Not run by us at this size.
"""

_base_ = '../../_base_/transfer/fcn_r50-d8.py'

pretrained = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'  # None: random initialisation
data_root = 'data/cityscapes'
iterations = 40000  # DenseCL

crop_size = (769, 769)  # DenseCL
model = dict(
    data_preprocessor=dict(size=crop_size),
    backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)),
    decode_head=dict(align_corners=True),  # mmseg's value for sizes 8 n + 1
    auxiliary_head=dict(align_corners=True),
    test_cfg=dict(mode='slide', crop_size=crop_size, stride=(513, 513)),  # mmseg
)

train_dataloader = dict(
    batch_size=4,  # per GPU; DenseCL: 16 in total, on 4 GPUs
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),  # paper: train_fine
        pipeline=[  # mmseg
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='RandomResize', scale=(2049, 1025), ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),  # paper: val
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=(2049, 1025), keep_ratio=True),  # mmseg
            dict(type='mmbdg.LoadMask'),
            dict(type='PackSegInputs'),
        ],
    ),
)
test_dataloader = val_dataloader

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=4000)  # mmseg
param_scheduler = [dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=iterations, by_epoch=False)]  # mmseg
default_hooks = dict(checkpoint=dict(interval=4000))
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

requires = dict(
    pretrained='a pre-trained ResNet-50: python tools/extract_backbone.py CHECKPOINT '
    'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
    data_root='Cityscapes, leftImg8bit and gtFine: python tools/dataset_converters/cityscapes.py data/cityscapes (docs/transfer/data.md)',
)
