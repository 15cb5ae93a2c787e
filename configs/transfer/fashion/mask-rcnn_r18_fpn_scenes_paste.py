"""Mask R-CNN R18-FPN on a few labelled scenes, with synthetic garments pasted into them (docs/paste.md).

    python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion
    python tools/train.py configs/transfer/fashion/mask-rcnn_r18_fpn_scenes_paste.py --cfg-options pretrained=BACKBONE num_scenes=20

Model and schedule are those of the config for 1,000 scenes. The pasted garments have the sizes and tints of the garments in the scenes.
"""

_base_ = 'mask-rcnn_r18_fpn_scenes.py'

num_scenes = 100  # labelled scenes
objects_root = 'work_dirs/biggan32_fashion'
real_photos = None  # number of real photos of each class, cut out by the foreground rule, to paste in place of synthetic garments
pasted = (1, 3)  # garments pasted into a scene, minimum and maximum
paste_prob = 1.0  # probability that garments are pasted into a scene; 0: none

if real_photos is None:
    objects = dict(type='mmbdg.StoredObjects', data_root=objects_root)
    requires = dict(
        objects_root='synthetic garments: python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion'
    )
else:  # the control
    objects = dict(type='mmbdg.FashionObjects', split='train', per_class=real_photos)
placement = dict(sides=(24, 64), crop=False, flip=0.0, tint=(0.5, 1.0), places=20)  # as mmbdg.FashionScenes; the pipeline flips

train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        parts=dict(
            real=dict(
                type='mmbdg.FashionScenes',
                split='train',
                count=num_scenes,
                pipeline=[
                    dict(type='LoadAnnotations', with_bbox=True, with_mask=True),
                    dict(
                        type='mmbdg.PasteObjects',
                        objects=objects,
                        classes='mmbdg.FashionScenes',
                        num=pasted,
                        prob=paste_prob,
                        placement=placement,
                    ),
                    dict(type='RandomFlip', prob=0.5),
                    dict(type='PackDetInputs', meta_keys=('img_id', 'ori_shape', 'img_shape', 'flip', 'flip_direction')),
                ],
            )
        ),
    ),
)
val_evaluator = dict(metric=['segm', 'bbox'], classwise=True)  # mmdet logs the AP of each class for the last metric only
test_evaluator = val_evaluator
