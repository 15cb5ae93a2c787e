"""Sources compared by a classifier that is trained with their images alone, over the number of images (docs/comparison.md).

    python tools/study.py configs/studies/comparison.py work_dirs/comparison --jobs 2
    python tools/exchange_rate.py work_dirs/comparison/comparison.json --help        # how many made images match n real ones

Network, iterations and augmentations are equal in all cells, and no source has a filter. Sources and pools are those of sources.py. The
seed determines the samples, the initial weights and the order of the images. A smaller set is part of a larger one.
"""

_base_ = ['_base_/steps.py', '_base_/sources.py']

sizes = (100, 300, 1000, 3000)
per_class = 300
arguments = ['{config}', '{out}/dataset', '--num-per-class', f'{per_class}', '--seed', '{seed}']
bare = {'synthesis.classifier': None, 'synthesis.uncertainty_rate': 0.0, 'synthesis.truncation': None, 'synthesis.candidates': 100}
classifier_options = {}  # more options of each classifier

fast = ['--amp', '--channels-last']  # twice as fast on a CPU with AMX; [] on other CPUs
classifier = dict(
    _base_.train,
    name='classifier',
    config='configs/transfer/fashion/classifier_32px.py',
    arguments=[*_base_.train['arguments'], *fast],
    outputs=dict(),
)
training = {'randomness.seed': '{seed}', **_base_.no_files, **classifier_options}
retrieve = dict(_base_.retrieve, arguments=arguments)  # the images that are perturbed are those of the row "retrieval"

study = dict(
    row_title='source',
    column_title='images',
    rows=[
        dict(name='real', title='real images', steps=[dict(classifier, options=training)]),
        *(
            dict(
                name=name,
                title=title,
                steps=[
                    *(retrieve if step['name'] == 'retrieve' else step for step in before),
                    dict(
                        name='synthesize',
                        tool='synthesize.py',
                        arguments=arguments,
                        config=f'configs/synthesis/{config}.py',
                        options=bare if name == 'biggan' else options,
                        resume=[],
                    ),
                    dict(classifier, options={**training, 'images': '{synthesize.out}/dataset'}),
                ],
            )
            for name, (title, before, config, options) in _base_.chains.items()
        ),
    ],
    columns=[dict(name=str(size), title=f'{size:,}', value=size, options=dict(number=size)) for size in sizes],
    varied=['classifier'],
    seeds=[0, 1, 2],
    figures=[dict(name='accuracy', title='accuracy', read='validations:accuracy/top1', step='classifier', unit='%')],
    baseline='real',
    plot=dict(kind='columns', figures=['accuracy'], x_title='images', x_scale='log'),
)
