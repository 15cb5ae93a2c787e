"""Cityscapes semantic segmentation with an FCN, 40k iterations (paper, Table 6).

python tools/study.py configs/studies/cityscapes_segmentation.py work_dirs/cityscapes_segmentation --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(63.5,),
    supervised=(73.7,),
    moco=(74.5,),
    densecl=(75.7,),
    ours=(75.6,),
)

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper=dict(all={one['name']: value for one, value in zip(_base_.semantic, values, strict=True)}),
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config='configs/transfer/cityscapes/fcn_r50-d8_40k_cityscapes-769x769.py',
                    outputs=dict(),
                    processes=_base_.processes,
                    options={'randomness.seed': '{seed}', 'pretrained': _base_.backbones[name]},
                )
            ],
        )
        for name, values in published.items()
    ],
    figures=_base_.semantic,
    baseline='densecl',
    paper='Table 6, semantic segmentation',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
