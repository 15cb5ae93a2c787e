"""Chest X-ray segmentation on a frozen backbone, for several fractions of the labels (paper, Table 5).

    python tools/study.py configs/studies/chest_xray.py work_dirs/chest_xray --cfg-options ours=BACKBONE.safetensors

The figures of the paper are means of three trials. Here, each seed also has its own label_seed.
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

ours = 'work_dirs/densecl_biggan_fpn_fgbg_in1k/backbone.safetensors'  # FG/BG pre-training (paper)
percents = (1, 5, 10, 50, 100)
published = dict(  # figures of the paper, by percent of the labels
    supervised={1: 49.6, 5: 47.8, 10: 54.1, 50: 57.6, 100: 63.6},
    densecl={1: 48.8, 5: 59.4, 10: 66.2, 50: 69.2, 100: 70.4},
    ours={1: 67.6, 5: 70.8, 10: 71.2, 50: 74.7, 100: 75.3},
)

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper={str(percent): dict(mIoU=values[percent]) for percent in percents if percent in values},
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config='configs/transfer/chest_xray/fcn_r50_frozen_100pct.py',
                    outputs=dict(),
                    options={
                        'randomness.seed': '{seed}',
                        'label_seed': '{seed}',
                        'pretrained': ours if name == 'ours' else _base_.backbones[name],
                    },
                )
            ],
        )
        for name, values in published.items()
    ],
    columns=[
        dict(name=str(percent), title=f'{percent}% of labels', options=dict(label_fraction=percent / 100), value=float(percent))
        for percent in percents
    ],
    column_title='labels',
    figures=_base_.semantic,
    baseline='densecl',
    paper='Table 5',
    plot=dict(x_title='percent of labels', x_scale='log'),
)
