"""PASCAL VOC detection: Faster R-CNN R50-C4, 24k iterations (BigDatasetGAN, Table 4; five runs).

    tools/dist_train.sh configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py 8 --cfg-options pretrained=BACKBONE
    tools/dist_test.sh  configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py work_dirs/faster-rcnn_r50-c4_24k_voc0712/iter_24000.pth 8

The settings are those of MoCo's detection/configs/pascal_voc_R_50_C4_24k_moco.yaml, which DenseCL uses too: the head is the fifth stage of
the ResNet with an extra batch norm, SyncBN everywhere, all layers are trained, RGB. mmselfsup's config of this name used BGR. Not run by us
at this size.
"""

_base_ = ['../../_base_/transfer/detectron2.py', 'mmdet::_base_/models/faster-rcnn_r50-caffe-c4.py']
custom_imports = dict(imports=['mmbdg', 'mmpretrain.models.utils.res_layer_extra_norm'])  # registers ResLayerExtraNorm, if mmdet is there

pretrained = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'  # None: random initialisation
data_root = 'data/VOCdevkit'
batch_size = 2  # per GPU; MoCo: 16 in total, on 8 GPUs
iterations = 24000  # paper, MoCo

norm = dict(type='SyncBN', requires_grad=True)
weights = dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)
model = dict(
    # Set in the model: a data_preprocessor at the top level would not replace that of the caffe base config.
    data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),  # MoCo
    backbone=dict(frozen_stages=-1, norm_cfg=norm, norm_eval=False, style='pytorch', init_cfg=weights),
    roi_head=dict(
        shared_head=dict(
            type='ResLayerExtraNorm', norm_cfg=norm, norm_eval=False, style='pytorch', init_cfg=dict(fresh=('norm',), **weights)
        ),
        bbox_head=dict(num_classes=20),
    ),
)

train_pipeline = [
    dict(type='mmbdg.LoadImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='mmbdg.KeepDifficult'),  # Detectron2; mmdet would train these objects as background
    dict(
        type='RandomChoiceResize',  # MoCo
        scales=[(1333, side) for side in range(480, 801, 32)],
        keep_ratio=True,
    ),
    dict(type='RandomFlip', prob=0.5),  # Detectron2
    dict(type='PackDetInputs'),
]
trainval = dict(type='VOCDataset', data_root=data_root, filter_cfg=dict(filter_empty_gt=True), pipeline=train_pipeline)
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(type='mmbdg.AspectRatioSampler', batch_size=batch_size),  # Detectron2's ASPECT_RATIO_GROUPING
    dataset=dict(
        type='ConcatDataset',
        ignore_keys=['dataset_type'],
        datasets=[  # paper: trainval07+12
            dict(ann_file='VOC2007/ImageSets/Main/trainval.txt', data_prefix=dict(sub_data_root='VOC2007/'), **trainval),
            dict(ann_file='VOC2012/ImageSets/Main/trainval.txt', data_prefix=dict(sub_data_root='VOC2012/'), **trainval),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='VOCDataset',
        data_root=data_root,
        ann_file='VOC2007/ImageSets/Main/test.txt',  # paper: test07
        data_prefix=dict(sub_data_root='VOC2007/'),
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=(1333, 800), keep_ratio=True),  # MoCo
            dict(type='LoadAnnotations', with_bbox=True),
            dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(  # as Detectron2's PascalVOCDetectionEvaluator: mAP over IoU 0.5:0.95, AP50, AP75, with the rule of VOC 2007
    type='VOCMetric', metric='mAP', iou_thrs=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95], eval_mode='11points'
)
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=101),  # MoCo: full learning rate from iteration 100 on
    dict(type='MultiStepLR', milestones=[18000, 22000], gamma=0.1, by_epoch=False),  # MoCo
]

requires = dict(
    pretrained='a pre-trained ResNet-50: python tools/extract_backbone.py CHECKPOINT '
    'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
    data_root='VOC 2007 and 2012: python tools/dataset_converters/voc.py data/VOCdevkit (docs/transfer/data.md)',
)
