"""The benchmark of the embedded garments: pre-trainings on five tasks, few annotated samples (docs/benchmark.md).

    python tools/study.py configs/studies/benchmark_fashion.py work_dirs/benchmark_fashion --jobs 2
    python tools/leaderboard.py work_dirs/benchmark_fashion/benchmark_fashion.json --row joint --new ENTRY.json ...    # docs/leaderboard.md

All layers of the segmentor are trained with the 50 annotated samples of the embedded GAN, as on ImageNet (BigDatasetGAN, section 5.2), and
tested on real images. The seed determines the pre-training and the training. The last row is the control: real images and masks.
"""

_base_ = '_base_/steps.py'

config = 'configs/benchmark/fashion/fpn_r18.py'
diffusion = 'configs/interpreter/diffusion_fashion32.py'
joint = 'configs/densecl_biggan_fpn.py'

train = dict(_base_.train, name='train', config=config, options={'randomness.seed': '{seed}', **_base_.no_pictures})
test = dict(
    name='test',
    tool='test.py',
    arguments=['{config}', '{train.checkpoint}', '--work-dir', '{out}'],
    config=config,
    outputs=dict(figures='test.json'),
)
pretrain = dict(_base_.train, name='pretrain', options={'randomness.seed': '{seed}', **_base_.no_pictures})
extract = dict(_base_.extract_backbone, name='extract')
pretrained = [extract, dict(train, options=dict(train['options'], pretrained='{extract.backbone}')), test]
encode = dict(
    name='annotate',
    tool='annotate.py',
    arguments=['encode', '{config}', 'mmbdg://fashion32/annotated_latents', '{out}/set'],
    config=diffusion,
)
interpreter = dict(  # once, as the embedded interpreters of the GAN were trained once
    _base_.train,
    name='interpreter',
    config=diffusion,
    outputs=dict(labelled_generator='labelled_generator'),
    options={'annotated': '{annotate.out}/set', 'num_members': 4, 'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None},
)
synthesised = {'synthesis.source.labelled_generator': '{interpreter.labelled_generator}', 'synthesis.truncation': None}
consumed = dict(images=10_000, labels=10_000, masks=50, note='labels: generator, classifier; masks: interpreters')

study = dict(
    row_title='pre-training',
    rows=[
        dict(name='random', consumed=dict(), steps=[train, test]),
        dict(
            name='DenseCL',
            consumed=dict(images=10_000),
            steps=[dict(pretrain, config='configs/baselines/densecl_fashion.py'), *pretrained],
        ),
        dict(
            name='classification',
            consumed=dict(images=10_000, labels=10_000),
            steps=[dict(pretrain, config='configs/baselines/classification_fashion.py'), *pretrained],
        ),
        dict(name='joint', title='joint, offline', consumed=consumed, steps=[dict(pretrain, config=joint), *pretrained]),
        dict(
            name='joint_online',
            title='joint, online',
            consumed=consumed,
            steps=[dict(pretrain, config='configs/densecl_biggan_fpn_online.py'), *pretrained],
        ),
        dict(
            name='joint_diffusion',
            title='joint, diffusion',
            consumed=consumed,
            steps=[encode, interpreter, dict(pretrain, config=joint, options={**pretrain['options'], **synthesised}), *pretrained],
        ),
        dict(
            name='real',
            title='random, 10,000 real masks',
            consumed=dict(images=10_000, masks=10_000),
            steps=[dict(train, options=dict(train['options'], train_data='real')), test],
        ),
    ],
    columns=[
        dict(name=name, title=title, options=dict(task=name))
        for name, title in (
            ('fgbg', 'FG/BG'),
            ('bag', 'Bag'),
            ('boot', 'Boot'),
            ('classes', '10 classes'),
            ('long-tailed', 'Long-tailed'),
        )
    ],
    column_title='task',
    varied=['train', 'test'],
    seeds=[0, 1, 2, 3, 4],
    figures=[dict(name='mIoU', read='test.json:metrics.mIoU', step='test', unit='%')],
    baseline='DenseCL',
)
