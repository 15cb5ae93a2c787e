"""Pasting garments into few labelled scenes: Mask R-CNN R18, with nothing, synthetic or real garments pasted (docs/paste.md).

    python tools/study.py configs/studies/paste.py work_dirs/paste

All rows start from the same backbone, DenseCL's, which no label and no generator has touched. The seed determines the initial heads, the
order of the scenes, the flips, the pasted garments, and the synthetic garments themselves. The labelled scenes are the first 5, 20 or 100.
"""

_base_ = ['_base_/steps.py', '_base_/figures.py']

per_class = 100  # synthetic garments, and real cut-outs, of each class
detector_options = {}  # more options of each detector
pretrain_options = {}  # more options of the pre-training

pretrain = dict(
    _base_.train,
    name='pretrain',
    config='configs/baselines/densecl_fashion.py',
    options={'randomness.seed': 0, **_base_.no_pictures, **pretrain_options},
)
extract = dict(_base_.extract_backbone, name='extract')
synthesize = dict(
    name='synthesize',
    tool='synthesize.py',
    arguments=['{config}', '{out}/dataset', '--num-per-class', f'{per_class}', '--seed', '{seed}'],
    config='configs/synthesis/biggan32_fashion_paper.py',
    resume=[],
)
detector = {
    'randomness.seed': '{seed}',
    'pretrained': '{extract.backbone}',
    'iterations': 480,  # after 240, the schedule for 1,000 scenes, all rows are still far from their last AP (docs/paste.md)
    'param_scheduler.1.milestones': [320, 432],
    'train_cfg.val_interval': 240,
    **_base_.no_files,
    'default_hooks.checkpoint.interval': 60,
    **detector_options,
}
detector.pop('custom_hooks')  # they compute the batch statistics
transfer = dict(_base_.train, name='transfer', config='configs/transfer/fashion/mask-rcnn_r18_fpn_scenes_paste.py', outputs=dict())
classes = ('t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot')

study = dict(
    row_title='pasted',
    column_title='labelled scenes',
    rows=[
        dict(
            name='nothing',
            title='nothing',
            steps=[pretrain, extract, dict(transfer, options=dict(detector, real_photos=per_class, paste_prob=0))],
        ),
        dict(
            name='synthetic',
            title='synthetic garments',
            steps=[
                pretrain,
                extract,
                synthesize,
                dict(transfer, options=dict(detector, objects_root='{synthesize.out}/dataset')),
            ],
        ),
        dict(
            name='real',
            title='real cut-outs',
            steps=[pretrain, extract, dict(transfer, options=dict(detector, real_photos=per_class))],
        ),
    ],
    columns=[dict(name=str(count), title=str(count), options=dict(num_scenes=count), value=count) for count in (5, 20, 100)],
    figures=[
        *(figure for figure in _base_.coco if figure['name'] in ('bbox_mAP', 'bbox_mAP_50', 'segm_mAP', 'segm_mAP_50')),
        *(
            dict(name=f'AP_{name}', title=f'AP^bb {name}', read=f'validations:coco/{name}_precision', scale=100.0, unit='%')
            for name in classes
        ),
    ],
    baseline='nothing',
    plot=dict(kind='columns', figures=['bbox_mAP', 'segm_mAP'], x_title='labelled scenes', x_scale='log'),
)
