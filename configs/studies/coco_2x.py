"""COCO with Mask R-CNN R50-FPN, 2x schedule (paper, Table 3).

python tools/study.py configs/studies/coco_2x.py work_dirs/coco_2x --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(36.7, 56.7, 40.0, 33.7, 53.8, 35.9),
    supervised=(40.6, 61.3, 44.4, 36.8, 58.1, 39.5),
    moco=(40.9, 61.5, 44.6, 37.0, 58.4, 39.6),
    densecl=(41.2, 61.9, 45.1, 37.3, 58.9, 40.1),
    ours=(41.5, 62.2, 45.4, 37.5, 59.0, 40.5),
)

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper=dict(all={one['name']: value for one, value in zip(_base_.coco, values, strict=True)}),
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config='configs/transfer/coco/mask-rcnn_r50_fpn_2x_coco.py',
                    outputs=dict(),
                    processes=_base_.processes,
                    options={'randomness.seed': '{seed}', 'pretrained': _base_.backbones[name]},
                )
            ],
        )
        for name, values in published.items()
    ],
    figures=_base_.coco,
    baseline='densecl',
    paper='Table 3 (b)',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
