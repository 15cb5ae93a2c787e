"""Cityscapes instance segmentation: Mask R-CNN R50-FPN, 90k iterations on train_fine (BigDatasetGAN, Table 6).

    tools/dist_train.sh configs/transfer/cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py 8 --cfg-options pretrained=BACKBONE
    tools/dist_test.sh  configs/transfer/cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py CHECKPOINT 8

The paper only gives "90k iterations". Image sizes, batch size and learning rate are those of Detectron2's Cityscapes config; the learning
rate steps are those of Detectron2's schedule of 90k iterations; SyncBN and the training of all layers are as for COCO. The combination is
ours. mmdet's config starts from a detector trained on COCO (load_from), which would hide the effect of the backbone. Not run by us at this
size.
"""

_base_ = ['../../_base_/transfer/detectron2.py', '../../_base_/transfer/mask-rcnn_r50_fpn_syncbn.py']

pretrained = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'  # None: random initialisation
load_from = None
data_root = 'data/cityscapes'
batch_size = 1  # per GPU; Detectron2: 8 in total, on 8 GPUs
iterations = 90000  # paper

model = dict(
    backbone=dict(init_cfg=dict(type='mmbdg.PretrainedBackbone', checkpoint=pretrained)),
    roi_head=dict(bbox_head=dict(num_classes=8), mask_head=dict(num_classes=8)),
)

train_dataloader = dict(
    batch_size=batch_size,  # no grouping by aspect ratio, because all images are 2048x1024
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        ann_file='annotations/instancesonly_filtered_gtFine_train.json',  # paper: train_fine
        data_prefix=dict(img='leftImg8bit/train'),
        filter_cfg=dict(filter_empty_gt=True),  # Detectron2
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(
                type='RandomChoiceResize',  # Detectron2
                scales=[(2048, side) for side in range(800, 1025, 32)],
                keep_ratio=True,
            ),
            dict(type='RandomFlip', prob=0.5),  # Detectron2
            dict(type='PackDetInputs'),
        ],
    ),
)
val_dataloader = dict(
    dataset=dict(
        type='CityscapesDataset',
        data_root=data_root,
        ann_file='annotations/instancesonly_filtered_gtFine_val.json',  # paper: val
        data_prefix=dict(img='leftImg8bit/val'),
        test_mode=True,
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='Resize', scale=(2048, 1024), keep_ratio=True),  # Detectron2
            dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
            dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
        ],
    ),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='CocoMetric', ann_file=f'{data_root}/annotations/instancesonly_filtered_gtFine_val.json', metric=['bbox', 'segm']),
    dict(type='CityScapesMetric', seg_prefix=f'{data_root}/gtFine/val', outfile_prefix=None),  # AP as in Table 6; needs cityscapesscripts
]
test_evaluator = val_evaluator

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(lr=0.01))  # Detectron2, for 8 images
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=1001),  # Detectron2: full learning rate from iteration 1000 on
    dict(type='MultiStepLR', milestones=[60000, 80000], gamma=0.1, by_epoch=False),  # ours; as in Detectron2's schedule of 90k iterations
]

requires = dict(
    pretrained='a pre-trained ResNet-50: python tools/extract_backbone.py CHECKPOINT '
    'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors',
    data_root='Cityscapes with its instances: python tools/dataset_converters/cityscapes.py data/cityscapes (docs/transfer/data.md)',
)
