"""VOC semantic segmentation with an FCN, 20k iterations (paper, Table 4 and Figure 10).

python tools/study.py configs/studies/voc_segmentation.py work_dirs/voc_segmentation --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(40.7,),
    supervised=(67.7,),
    moco=(67.5,),
    densecl=(69.2,),
    ours=(69.7,),
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
                    config='configs/transfer/voc/fcn_r50-d8_20k_voc12aug.py',
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
    paper='Table 4, semantic segmentation',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
