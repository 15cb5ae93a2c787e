"""Comparison of pre-trainings: an FPN decoder on the frozen ResNet-18, for several fractions of the labels (docs/pretraining_results.md).

    python tools/study.py configs/studies/frozen_fpn.py work_dirs/frozen_fpn --jobs 2

The seed determines the pre-training, the labelled images (some are listed in configs/transfer/fashion/label_subsets.json) and the transfer.
frozen_linear.py is the same study with a linear head. With --steps work_dirs/steps for both studies, each backbone is trained only once.
"""

_base_ = '_base_/steps.py'

transfer_config = 'configs/transfer/fashion/fpn_r18_frozen.py'
published = 'docs/transfer/fpn_r18_frozen.json'
pretrain_options = {}  # more options of each pre-training
transfer_options = {}  # more options of each transfer

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

study = dict(
    row_title='backbone',
    rows=[
        dict(name='random', consumed=dict(), steps=[random_transfer]),
        dict(
            name='DenseCL',
            consumed=dict(images=10_000),
            steps=[dict(pretrain, config='configs/baselines/densecl_fashion.py'), extract, trained_transfer],
        ),
        dict(
            name='classification',
            consumed=dict(images=10_000, labels=10_000),
            steps=[dict(pretrain, config='configs/baselines/classification_fashion.py'), extract, trained_transfer],
        ),
        dict(
            name='joint',
            consumed=dict(images=10_000, labels=10_000, masks=50, note='labels: generator, classifier; masks: interpreters'),
            steps=[dict(pretrain, config='configs/densecl_biggan_fpn.py'), extract, trained_transfer],
        ),
    ],
    columns=[
        dict(name='0.01', title='1% of labels', options=dict(label_fraction=0.01), value=0.01),
        dict(name='0.1', title='10% of labels', options=dict(label_fraction=0.1), value=0.1),
        dict(name='1.0', title='100% of labels', options=dict(label_fraction=1.0), value=1.0),
    ],
    column_title='labels',
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    baseline='DenseCL',
    reference=published + ':{figure}.{row}.{column}.{index}',
    plot=dict(x_title='fraction of labels', x_scale='log'),
)
