"""The ten garments from every kind of source, compared with real test images (docs/sources.md).

    python tools/study.py configs/studies/sources.py work_dirs/sources

Each row makes 1,000 samples with its source. The pool of the retrieved images has 10,000 images; a fifth of its captions name another
class. The perturbed images start from the retrieved ones.
"""

features = 'resnet_fashion32'
training_images = 'configs/_base_/datasets/fashion32_train_images.py:images'
arguments = ['{config}', '{out}/dataset', '--num-per-class', '100', '--seed', '{seed}']

pool = dict(name='pool', tool='dataset_converters/garment_pool.py', arguments=['{out}/pool', '--seed', '{seed}'])
index = dict(
    name='index',
    tool='index_pool.py',
    arguments=['{pool.out}/pool', '{config}'],
    config='configs/synthesis/retrieval_fashion32.py',
    options={'pool': '{pool.out}/pool', 'index': '{out}/index'},
)
retrieve = dict(
    name='retrieve',
    tool='synthesize.py',
    arguments=arguments,
    config='configs/synthesis/retrieval_fashion32.py',
    options={'pool': '{pool.out}/pool', 'index': '{index.out}/index'},
    resume=[],
)
chains = {  # title, steps before the last synthesis, its config and options
    'biggan': ('BigGAN with interpreters', [], 'biggan32_fashion', {}),
    'diffusion': ('diffusion', [], 'diffusion_fashion32', {}),
    'retrieval': ('retrieval', [pool, index], 'retrieval_fashion32', retrieve['options']),
    **{
        f'perturbation_{gamma}': (
            f'perturbation, gamma {gamma}',
            [pool, index, retrieve],
            'perturbation_fashion32',
            dict(init='{retrieve.out}/dataset', gamma=gamma),
        )
        for gamma in (0.2, 0.5, 0.8)
    },
}

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
                    arguments=arguments,
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
        for name, (title, before, config, options) in chains.items()
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
