"""Chest X-ray segmentation on a frozen backbone (BigDatasetGAN, section 5.3, Table 5): an FCN head on all 735 labels.

    python tools/train.py configs/transfer/chest_xray/fcn_r50_frozen_100pct.py --cfg-options pretrained=BACKBONE
    python tools/test.py  configs/transfer/chest_xray/fcn_r50_frozen_100pct.py work_dirs/fcn_r50_frozen_100pct/iter_2760.pth

The other four files only change label_fraction. The paper reports the mean of three trials. In our study, each trial also has its own
label_seed:

    python tools/study.py configs/studies/chest_xray.py work_dirs/chest_xray

The paper reports the "mIoU" of a "binary segmentation". We interpret it as the mean of the IoU of background and lung, which is mIoU in
mmseg's IoUMetric; its table also contains the IoU of the lung.

Values without a source in a comment are ours; the paper gives no optimizer, schedule, image size or augmentation.
"""

_base_ = ['../../_base_/runtime.py', 'mmseg::_base_/models/fcn_r50-d8.py']

default_scope = 'mmseg'
pretrained = 'work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors'  # FG/BG pre-training (paper)
data_root = 'data/chest_xray'
label_fraction = 1.0  # fraction of the 735 training images (paper): 7, 37, 74, 368 and 735 images in the five configs
label_seed = 0  # seed of the selection of these images
epochs = 30  # paper
size = (512, 512)  # size of the images written by the converter

model = dict(
    pretrained=None,
    data_preprocessor=dict(size=size),
    backbone=dict(
        type='ResNet',  # ResNet-50 (paper), with the stem of the pre-training instead of mmseg's ResNetV1c
        frozen_stages=4,  # all weights frozen, "including the batchnorm statistics" (paper)
        norm_eval=True,
        norm_cfg=dict(type='BN', requires_grad=False),
        init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained),
    ),
    decode_head=dict(num_classes=2),  # mmseg's FCN head; the only trained part (paper)
    auxiliary_head=None,  # has no effect on a frozen backbone
)

lungs = dict(type='mmbdg.ChestXRayDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=8,  # paper
    num_workers=2,
    persistent_workers=True,
    drop_last=False,  # 1 % of the images is less than one batch
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        split='train',
        label_fraction=label_fraction,
        label_seed=label_seed,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='RandomResize', scale=size, ratio_range=(1.0, 1.25), resize_type='mmseg.Resize'),
            dict(type='RandomCrop', crop_size=size),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
        **lungs,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        split='test',  # 316 images (paper)
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=size),
            dict(type='mmbdg.LoadMask'),
            dict(type='PackSegInputs'),
        ],
        **lungs,
    ),
)
val_dataloader = test_dataloader
val_evaluator = test_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=epochs)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))  # mmseg, also the schedule
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=epochs, by_epoch=True, convert_to_iter_based=True)
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

requires = dict(
    pretrained='the backbone of the FG/BG pre-training (paper): configs/densecl_biggan_fpn_fgbg_in1k.py, then python '
    'tools/extract_backbone.py CHECKPOINT work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors',
    data_root='radiographs with lung masks (docs/transfer/data.md): python tools/dataset_converters/chest_xray.py ARCHIVES data/chest_xray',
)
next_step = 'python tools/test.py {config} {checkpoint}'
