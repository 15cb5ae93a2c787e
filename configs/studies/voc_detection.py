"""VOC detection with Faster R-CNN R50-C4, 24k iterations (paper, Table 4).

python tools/study.py configs/studies/voc_detection.py work_dirs/voc_detection --cfg-options ours=BACKBONE.safetensors
"""

_base_ = ['_base_/steps.py', '_base_/figures.py', '_base_/papers_backbones.py']

published = dict(
    random=(33.8, 60.2, 33.1),
    supervised=(53.5, 81.3, 58.8),
    moco=(57.0, 82.4, 63.6),
    densecl=(58.7, 82.8, 65.2),
    ours=(58.2, 83.0, 65.5),
)

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper=dict(all={one['name']: value for one, value in zip(_base_.voc, values, strict=True)}),
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config='configs/transfer/voc/faster-rcnn_r50-c4_24k_voc0712.py',
                    outputs=dict(),
                    processes=_base_.processes,
                    options={'randomness.seed': '{seed}', 'pretrained': _base_.backbones[name]},
                )
            ],
        )
        for name, values in published.items()
    ],
    figures=_base_.voc,
    baseline='densecl',
    paper='Table 4, detection',
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
