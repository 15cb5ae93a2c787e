"""COCO with Mask R-CNN R50-FPN, 1x schedule (paper, Table 3).

python tools/study.py configs/studies/coco_1x.py work_dirs/coco_1x --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(31.0, 46.8, 30.4, 28.5, 46.8, 30.4),  # as printed in the paper; the second and third values repeat those of the masks
    supervised=(38.9, 59.6, 42.7, 35.4, 56.5, 38.1),
    moco=(38.9, 59.2, 42.4, 35.4, 56.2, 37.8),
    densecl=(39.4, 59.9, 42.7, 35.6, 56.7, 38.2),
    ours=(39.8, 60.4, 43.7, 35.9, 57.3, 38.2),
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
                    config='configs/transfer/coco/mask-rcnn_r50_fpn_1x_coco.py',
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
    paper='Table 3 (a)',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
