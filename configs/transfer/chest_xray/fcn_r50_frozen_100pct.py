"""Chest X-ray segmentation on a frozen backbone (BigDatasetGAN, section 5.3, Table 5): an FCN head on all 735 labels.

    python tools/train.py configs/transfer/chest_xray/fcn_r50_frozen_100pct.py --cfg-options pretrained=BACKBONE
    python tools/test.py  configs/transfer/chest_xray/fcn_r50_frozen_100pct.py work_dirs/fcn_r50_frozen_100pct/iter_2760.pth

The other four files set label_fraction only. The paper's table is the mean of three trials; of ours each has its own label_seed too:

    python tools/study.py configs/studies/chest_xray.py work_dirs/chest_xray

Its figure is "mIoU" of a "binary segmentation": taken to be the mean of the IoU of background and of lung, mIoU of
mmseg's IoUMetric, whose table gives the IoU of the lungs beside it.

A number is ours where nothing else is said; the paper gives no optimiser, schedule, size or augmentation.
"""

_base_ = ['../../_base_/runtime.py', 'mmseg::_base_/models/fcn_r50-d8.py']

default_scope = 'mmseg'
pretrained = 'work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors'  # FG/BG pre-training (paper)
data_root = 'data/chest_xray'
label_fraction = 1.0  # of the 735 (paper): 7, 37, 74, 368 and 735 images
label_seed = 0  # which images those are
epochs = 30  # paper
size = (512, 512)  # as the converter writes them

model = dict(
    pretrained=None,
    data_preprocessor=dict(size=size),
    backbone=dict(
        type='ResNet',  # ResNet-50 (paper), with the stem of the pre-training, not mmseg's V1c
        frozen_stages=4,  # all weights frozen, "including the batchnorm statistics" (paper)
        norm_eval=True,
        norm_cfg=dict(type='BN', requires_grad=False),
        init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained),
    ),
    decode_head=dict(num_classes=2),  # mmseg's FCN head; the only part that is trained (paper)
    auxiliary_head=None,  # it could change nothing but the backbone
)

lungs = dict(type='mmbdg.ChestXRayDataset', data_root=data_root)
train_dataloader = dict(
    batch_size=8,  # paper
    num_workers=2,
    persistent_workers=True,
    drop_last=False,  # 1 % is fewer than a batch
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
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))  # mmseg's, and its schedule
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=epochs, by_epoch=True, convert_to_iter_based=True)
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

requires = dict(
    pretrained='the backbone of the FG/BG pre-training (paper): configs/densecl_biggan_fpn_fgbg_in1k.py, then python '
    'tools/extract_backbone.py CHECKPOINT work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors',
    data_root='radiographs with lung masks (docs/transfer/data.md): python tools/dataset_converters/chest_xray.py ARCHIVES data/chest_xray',
)
next_step = 'python tools/test.py {config} {checkpoint}'
