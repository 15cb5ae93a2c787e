"""The ten garments from every kind of source, compared with real test images (docs/sources.md).

    python tools/study.py configs/studies/sources.py work_dirs/sources

Each row makes 1,000 samples with its source. The pool of the retrieved images has 10,000 images; a fifth of its captions name another
class. The perturbed images start from the retrieved ones.
"""

_base_ = '_base_/sources.py'

features = 'resnet_fashion32'
training_images = 'configs/_base_/datasets/fashion32_train_images.py:images'

study = dict(
    row_title='source',
    rows=[
        dict(
            name=name,
            title=title,
            steps=[
                *before,
                dict(
                    name='synthesize',
                    tool='synthesize.py',
                    arguments=_base_.arguments,
                    config=f'configs/synthesis/{config}.py',
                    options=options,
                    resume=[],
                ),
                dict(
                    name='compare',
                    tool='compare_dataset.py',
                    arguments=[
                        *('{synthesize.out}/dataset', '{out}/figures.json', '--features', features, '--judge', features),
                        *('--copies-of', training_images),
                    ],
                    inputs=[training_images.partition(':')[0]],
                    outputs=dict(figures='figures.json'),
                ),
            ],
        )
        for name, (title, before, config, options) in _base_.chains.items()
    ],
    seeds=[0, 1, 2],
    figures=[
        dict(name='KD', title=f'KD-{features}', read='figures.json:figures.KD', digits=1),
        dict(name='ID', title='image diversity', read='figures.json:figures.ID', digits=2),
        dict(name='recognised', read='figures.json:figures.recognised', digits=1, unit='%'),
        dict(name='copies', title='near-copies of training images', read='figures.json:figures.copies', digits=1, unit='%'),
    ],
    baseline='biggan',
    plot=dict(kind='rows', figures=['KD', 'ID', 'recognised']),
)
