"""What the filters of a synthesis cost or bring a segmentor that is trained with its images alone (docs/analysis.md).

    python tools/study.py configs/studies/filters_downstream.py work_dirs/filters_downstream --jobs 2

Each row makes 1,000 samples with the filters in its name. In the last row the masks of the first row are cleaned when they are loaded. The
segmentor is tested on real images. Masks and images of single filters: filters.py.
"""

_base_ = '_base_/steps.py'

config = 'configs/synthesis/biggan32_fashion_paper.py'
num_per_class = 100
features = 'resnet_fashion32'
segmentor_options = {}  # more options of each segmentor

# Without a classifier all candidates of a block are labelled, so these rows use no more candidates than needed.
no_truncation = {'synthesis.truncation': None}
no_rejection = {'synthesis.classifier': None, 'synthesis.candidates': 112}
no_uncertainty = {'synthesis.uncertainty_rate': 0.0}
no_filter = {**no_truncation, **no_rejection, **no_uncertainty}

study = dict(
    row_title='filters',
    rows=[
        dict(
            name=name,
            steps=[
                dict(
                    name='synthesize',
                    tool='synthesize.py',
                    arguments=['{config}', '{out}/dataset', '--num-per-class', str(num_per_class), '--seed', '{seed}'],
                    config=config,
                    options=options,
                    resume=[],
                ),
                dict(
                    name='compare',
                    tool='compare_dataset.py',
                    arguments=['{synthesize.out}/dataset', '{out}/figures.json', '--features', features],
                    outputs=dict(figures='figures.json'),
                ),
                dict(
                    _base_.train,
                    name='segmentor',
                    config='configs/transfer/fashion/unet_32px_synthetic.py',
                    options={
                        'randomness.seed': '{seed}',
                        'synthetic': '{synthesize.out}/dataset',
                        'min_component': 1.0 if name == 'largest component' else 0.0,
                        **_base_.no_files,
                        **segmentor_options,
                    },
                    outputs=dict(),
                ),
            ],
        )
        for name, options in {
            'no filter': no_filter,
            'truncation 0.9': {**no_rejection, **no_uncertainty, 'synthesis.truncation': 0.9},
            'truncation 0.7': {**no_rejection, **no_uncertainty, 'synthesis.truncation': 0.7},
            'truncation 0.5': {**no_rejection, **no_uncertainty, 'synthesis.truncation': 0.5},
            'rejection 0.5': {**no_truncation, **no_uncertainty, 'synthesis.rejection_rate': 0.5},
            'rejection 0.9': {**no_truncation, **no_uncertainty, 'synthesis.rejection_rate': 0.9},
            'uncertainty': {**no_truncation, **no_rejection},
            'all three': {'synthesis.truncation': 0.9, 'synthesis.rejection_rate': 0.9},
            'largest component': no_filter,
        }.items()
    ],
    seeds=[0, 1, 2],
    figures=[
        dict(name='KD', title=f'KD-{features}', read='figures.json:figures.KD', step='compare', digits=1),
        dict(name='mIoU_rule', title='masks, mIoU with the rule', read='figures.json:figures.mIoU', step='compare', unit='%'),
        dict(name='ID', title='image diversity', read='figures.json:figures.ID', step='compare', digits=2),
        dict(name='SD', read='figures.json:figures.SD', step='compare', digits=2),
        dict(name='mIoU', title='segmentor on real images', read='validations:mIoU', step='segmentor', unit='%'),
    ],
    baseline='no filter',
    plot=dict(kind='rows', figures=['KD', 'ID', 'mIoU']),
)
