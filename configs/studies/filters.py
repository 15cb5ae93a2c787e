"""Effect of each filter of a synthesis on the distance to real images, on the masks, and on the diversity (docs/analysis.md).

    python tools/study.py configs/studies/filters.py work_dirs/filters

Each row makes a dataset with the filters in its name and compares it with real test images, see tools/compare_dataset.py.
"""

config = 'configs/synthesis/biggan32_fashion_paper.py'
num_per_class = 100
features = 'resnet_fashion32'

# Without a classifier all candidates of a block are labelled, so these rows use no more candidates than needed.
no_truncation = {'synthesis.truncation': None}
no_rejection = {'synthesis.classifier': None, 'synthesis.candidates': 112}
no_uncertainty = {'synthesis.uncertainty_rate': 0.0}

study = dict(
    row_title='filters',
    rows=[
        dict(
            name=name,
            title=name,
            steps=[
                dict(
                    name='synthesize',
                    tool='synthesize.py',
                    arguments=['{config}', '{out}', '--num-per-class', str(num_per_class), '--seed', '{seed}'],
                    config=config,
                    options=options,
                    resume=[],
                ),
                dict(
                    name='compare',
                    tool='compare_dataset.py',
                    arguments=['{synthesize.out}', '{out}/figures.json', '--features', features],
                    outputs=dict(figures='figures.json'),
                ),
            ],
        )
        for name, options in {
            'no filter': {**no_truncation, **no_rejection, **no_uncertainty},
            'truncation': {**no_rejection, **no_uncertainty},
            'uncertainty': {**no_truncation, **no_rejection},
            'rejection': {**no_truncation, **no_uncertainty},
            'truncation, rejection': no_uncertainty,
            'truncation, rejection, uncertainty': {},
        }.items()
    ],
    seeds=[0, 1],
    figures=[
        dict(name='FD', title=f'FD-{features}', read='figures.json:figures.FD', digits=2),
        dict(name='KD', title=f'KD-{features}', read='figures.json:figures.KD', digits=2),
        dict(name='mIoU', title='mIoU with the rule', read='figures.json:figures.mIoU', digits=2, unit='%'),
        dict(name='ID', title='image diversity', read='figures.json:figures.ID', digits=2),
        dict(name='SD', read='figures.json:figures.SD', digits=2),
    ],
    reference='docs/analysis/filters_fashion32.json:rows.{row}.{index}.{figure}',
    plot=dict(kind='rows', figures=['KD', 'mIoU', 'ID']),
)
