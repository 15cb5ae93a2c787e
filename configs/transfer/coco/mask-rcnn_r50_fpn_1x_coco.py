"""COCO detection and instance segmentation: Mask R-CNN R50-FPN, Detectron2's 1x schedule (BigDatasetGAN, Table 3a).

    tools/dist_train.sh configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco.py 8 --cfg-options pretrained=BACKBONE
    tools/dist_test.sh  configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco.py work_dirs/mask-rcnn_r50_fpn_1x_coco/iter_90000.pth 8

Paper: "We follow the setup from [27] (MoCo) to fine-tune all the layers on train'17 and evaluate on val'17". Not run by us at this size.
"""

_base_ = ['../../_base_/transfer/detectron2.py', '../../_base_/transfer/mask-rcnn_r50_fpn_syncbn.py']

pretrained = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'  # None: random initialisation
data_root = 'data/coco'
batch_size = 2  # per GPU; MoCo: 16 in total, on 8 GPUs
iterations = 90000  # Detectron2's 1x schedule

model = dict(backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)))

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(type='mmbdg.AspectRatioSampler', batch_size=batch_size),  # Detectron2's ASPECT_RATIO_GROUPING
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',  # paper
        data_prefix=dict(img='train2017'),
        filter_cfg=dict(filter_empty_gt=True),  # Detectron2
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(
                type='RandomChoiceResize',  # MoCo
                scales=[(1333, 640), (1333, 672), (1333, 704), (1333, 736), (1333, 768), (1333, 800)],
                keep_ratio=True,
            ),
            dict(type='RandomFlip', prob=0.5),  # Detectron2
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',  # paper
        data_prefix=dict(img='val2017'),
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=(1333, 800), keep_ratio=True),  # Detectron2
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='CocoMetric', ann_file=f'{data_root}/annotations/instances_val2017.json', metric=['bbox', 'segm'])
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1001),  # Detectron2: full learning rate from iteration 1000 on
    dict(type='MultiStepLR', milestones=[60000, 80000], gamma=0.1, by_epoch=False),  # Detectron2's 1x schedule
]

requires = dict(
    pretrained='a pre-trained ResNet-50: python tools/extract_backbone.py CHECKPOINT '
    'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
    data_root='COCO 2017: python tools/dataset_converters/coco.py data/coco (docs/transfer/data.md)',
)
