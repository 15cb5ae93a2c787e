"""Quality of interpreters by the number of annotations: feature interpreter and per-pixel MLP, ensemble and single member.

    python tools/study.py configs/studies/interpreters.py work_dirs/interpreters --jobs 2
    python tools/study.py configs/studies/interpreters.py work_dirs/interpreters --rows head --columns 5

The seed determines the annotated samples (their masks are drawn by the documented rule) and the training. All interpreters are tested on
the same 1,000 held-out samples (docs/interpreters.md).
"""

_base_ = '_base_/steps.py'

members = 8
iterations = 500
configs = dict(  # config, samples per member and iteration, columns
    head=('configs/interpreter/biggan32_fashion.py', 4, ['1', '2', '5', '10']),
    MLP=('configs/interpreter/biggan32_fashion_mlp.py', 4, ['1', '2', '5', '10']),
    light=('configs/interpreter/biggan32_fashion_light.py', 4, ['5']),
    shared=('configs/interpreter/biggan32_fashion_shared-trunk.py', 1, ['5']),
)
titles = dict(light='light head', shared='shared trunk')

annotate = dict(
    name='annotate',
    tool='annotate.py',
    arguments=['sample', '{config}', '{out}', '--per-class', '10', '--rule', 'mmbdg.annotation.foreground.fashion_foreground'],
    config='configs/interpreter/biggan32_fashion.py',
    options=dict(annotation_seed='{annotation_seed}'),
)
training = {
    'annotated': '{annotate.out}',
    'randomness.seed': '{seed}',
    'num_members': members,
    'train_cfg.max_iters': iterations,
    'train_cfg.val_interval': iterations + 1,
    'default_hooks.checkpoint.interval': iterations,
    'model.feature_cache.folder': '{shared}/features',
}
measuring = {
    'model.keep_members': True,
    'test_evaluator.type': 'mmbdg.EnsembleQuality',
    'test_evaluator.per_class': False,
    'num_members': members,
}

study = dict(
    row_title='labeller',
    column_title='annotations a class',
    rows=[
        dict(
            name=name,
            title=titles.get(name, name),
            columns=columns,
            steps=[
                annotate,
                dict(_base_.train, name='train', config=config, options=dict(training, member_batch=batch)),
                dict(
                    name='test',
                    tool='test.py',
                    arguments=['{config}', '{train.checkpoint}', '--work-dir', '{out}'],
                    config=config,
                    options=measuring,
                    outputs=dict(figures='test.json'),
                ),
            ],
        )
        for name, (config, batch, columns) in configs.items()
    ],
    columns=[dict(name=str(n), options={'train_dataloader.dataset.per_class': n}, value=float(n)) for n in (1, 2, 5, 10)],
    varied='train',
    seeds=[0, 1, 2],
    per_seed=dict(annotation_seed=[1, 3, 4]),  # 2 is the seed of the held-out samples
    figures=[
        *(
            dict(name=f'{what}_{space}', title=title, read=f'test.json:metrics.{what}_{space}', unit='%')
            for space, first in (('fgbg', 'FG/BG'), ('classes', '11 classes'))
            for what, title in (('mIoU', first), ('single', 'one member'), ('kept', 'certain 90 %'))
        ),
        dict(name='spearman', title='Spearman', read='test.json:metrics.spearman', digits=2),
    ],
    plot=dict(figures=['mIoU_fgbg', 'single_fgbg', 'mIoU_classes', 'single_classes'], x_title='annotations a class', x_scale='log'),
)
