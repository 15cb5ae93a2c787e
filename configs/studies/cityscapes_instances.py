"""Cityscapes instance segmentation with Mask R-CNN, 90k iterations (paper, Table 6).

python tools/study.py configs/studies/cityscapes_instances.py work_dirs/cityscapes_instances --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(25.4, 51.1),
    supervised=(32.9, 59.6),
    moco=(33.7, 61.8),
    densecl=(34.5, 62.1),
    ours=(34.8, 62.9),
)

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper=dict(all={one['name']: value for one, value in zip(_base_.cityscapes, values, strict=True)}),
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config='configs/transfer/cityscapes/mask-rcnn_r50_fpn_90k_cityscapes.py',
                    outputs=dict(),
                    processes=_base_.processes,
                    options={'randomness.seed': '{seed}', 'pretrained': _base_.backbones[name]},
                )
            ],
        )
        for name, values in published.items()
    ],
    figures=_base_.cityscapes,
    baseline='densecl',
    paper='Table 6, instance segmentation',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
