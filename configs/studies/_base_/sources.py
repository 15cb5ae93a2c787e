"""Steps of studies that make the garments with each kind of source: those before the last synthesis, its config and its options."""

per_class = 100
arguments = ['{config}', '{out}/dataset', '--num-per-class', f'{per_class}', '--seed', '{seed}']

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
    'biggan': ('BigGAN with interpreters', [], 'biggan32_fashion_paper', {}),
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
