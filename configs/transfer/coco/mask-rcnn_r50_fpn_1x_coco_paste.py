"""COCO as in mask-rcnn_r50_fpn_1x_coco.py, with objects of BigGAN-sim pasted into the training images (docs/paste.md).

    tools/dist_train.sh configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco_paste.py 8 --cfg-options pretrained=BACKBONE

The objects are those of the 15 groups of ImageNet's classes that have a name of PASCAL VOC (label space "mc16"); COCO has these classes
too. Rare ones are pasted more often. Every value of the pasting is ours, and the training has not been run at this size. Samples with
addresses are not grouped by their orientation, so batches have more padding than in the config without pasting.
"""

_base_ = 'mask-rcnn_r50_fpn_1x_coco.py'

data_root = 'data/coco'
objects_root = 'data/biggan_sim_100k'
objects_selection = None  # name of a selection of tools/select_samples.py

names = {'aeroplane': 'airplane', 'diningtable': 'dining table'}  # VOC's name: COCO's name
paste = dict(
    type='mmbdg.PasteObjects',
    objects=dict(type='mmbdg.StoredObjects', data_root=objects_root, selection=objects_selection, label_space='mc16'),
    classes='mmdet.CocoDataset',
    names=names,
    num=(0, 3),
    balance='rare',
    frequencies=f'{data_root}/annotations/instances_train2017.json',
    threshold=0.1,
    placement=dict(shares=(0.1, 0.5), places=5, blend='gaussian', sigma=1.0, min_visible=0.1, min_pixels=100),
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        parts=dict(
            real=dict(
                type='CocoDataset',
                data_root=data_root,
                ann_file='annotations/instances_train2017.json',
                data_prefix=dict(img='train2017'),
                filter_cfg=dict(filter_empty_gt=True),
                pipeline=[
                    dict(type='mmbdg.LoadImage'),
                    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
                    paste,
                    dict(
                        type='RandomChoiceResize',
                        scales=[(1333, 640), (1333, 672), (1333, 704), (1333, 736), (1333, 768), (1333, 800)],
                        keep_ratio=True,
                    ),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackDetInputs'),
                ],
            )
        ),
    ),
)

requires = dict(
    objects_root='BigGAN-sim: python tools/synthesize.py configs/synthesis/biggan512_in1k.py data/biggan_sim_100k --device cuda'
)
