"""Effect of pre-training on a detector: Mask R-CNN on scenes of the embedded garments (docs/transfer/scenes.md).

    python tools/study.py configs/studies/scenes.py work_dirs/scenes --jobs 2

Each backbone is pre-trained once, with seed 0. The seed determines the initial weights of the detector's heads, the order of the scenes and
the flips.
"""

_base_ = ['_base_/steps.py', '_base_/figures.py']

detector_options = {}  # more options of each detector

pretrain = dict(_base_.train, name='pretrain', options={'randomness.seed': 0, **_base_.no_pictures})
extract = dict(_base_.extract_backbone, name='extract')
transfer = dict(_base_.train, name='transfer', config='configs/transfer/fashion/mask-rcnn_r18_fpn_scenes.py', outputs=dict())
detector = {'randomness.seed': '{seed}', **detector_options}

study = dict(
    row_title='pre-training',
    rows=[
        dict(name='random', title='random init.', steps=[dict(transfer, options=dict(detector, pretrained=None))]),
        *(
            dict(
                name=name,
                title=title,
                steps=[
                    dict(pretrain, config=config),
                    extract,
                    dict(transfer, options=dict(detector, pretrained='{extract.backbone}')),
                ],
            )
            for name, title, config in (
                ('DenseCL', 'DenseCL', 'configs/baselines/densecl_fashion.py'),
                ('joint', 'BigGAN-sim-FPN', 'configs/densecl_biggan_fpn.py'),
            )
        ),
    ],
    figures=_base_.coco,
    baseline='DenseCL',
    plot=dict(kind='iterations'),
)
