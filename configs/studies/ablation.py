"""Ablation of the joint pre-training: each row removes or changes one part (small version of the paper's Table 5; docs/ablation.md).

    python tools/study.py configs/studies/ablation.py work_dirs/ablation --jobs 2

The transfer uses a linear head, because the differences are too small with a head of two convolutions.
"""

_base_ = '_base_/steps.py'

transfer_config = 'configs/transfer/fashion/linear_r18_frozen.py'
pretrain_options = dict(iterations=100)
transfer_options = dict(iterations=75)

pretrain = dict(_base_.train, name='pretrain', options={'randomness.seed': '{seed}', **_base_.no_pictures, **pretrain_options})
extract = dict(_base_.extract_backbone, name='extract')
transfer = dict(
    _base_.train,
    name='transfer',
    config=transfer_config,
    outputs=dict(),
    options={'label_seed': '{seed}', 'randomness.seed': '{seed}', **_base_.no_files, **transfer_options},
)
random_transfer = dict(transfer, options=dict(pretrained=None, **transfer['options']))
trained_transfer = dict(transfer, options=dict(pretrained='{extract.backbone}', **transfer['options']))

joint = 'configs/densecl_biggan_fpn.py'
more_images = 'train_dataloader.dataset.seg.prepare.num_per_class'  # 100 in the config
pretrained_rows = dict(  # title, config, options of the pre-training
    DenseCL=('DenseCL', 'configs/baselines/densecl_fashion.py', {}),
    joint=('DenseCL + segmentation, offline', joint, {}),
    joint_online=('DenseCL + segmentation, online', 'configs/densecl_biggan_fpn_online.py', {}),
    segmentation=('segmentation alone', 'configs/baselines/segmentation_fashion.py', {}),
    joint_fgbg=('offline, FG/BG instead of 11 labels', joint, dict(label_space='fgbg')),
    joint_2x=('offline, 2x synthetic images', joint, {more_images: 200}),
    joint_4x=('offline, 4x synthetic images', joint, {more_images: 400}),
)

study = dict(
    row_title='backbone',
    rows=[
        dict(name='random', steps=[random_transfer]),
        *(
            dict(
                name=name,
                title=title,
                steps=[dict(pretrain, config=config, options={**options, **pretrain['options']}), extract, trained_transfer],
            )
            for name, (title, config, options) in pretrained_rows.items()
        ),
    ],
    columns=[
        dict(name=name, title=f'{float(name):.0%} of labels', options=dict(label_fraction=float(name)), value=float(name))
        for name in ('0.01', '0.05', '0.1', '0.5', '1.0')
    ],
    column_title='labels',
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    baseline='DenseCL',
    reference='docs/transfer/ablation.json:{figure}.{row}.{column}.{index}',
    plot=dict(x_title='fraction of labels', x_scale='log'),
)
