"""Steered and uniform rounds of synthesis at equal numbers of labelled images, with learning curves (docs/steered_synthesis.md).

    python tools/study.py configs/studies/steered.py work_dirs/steered

Three rounds of 300 garments. The first one is uniform in all rows. The numbers of the next ones follow from the IoU by class of a learner
that was trained with all rounds so far, measured on 500 real training images; in the row "uniform" (power 0) they are equal. In the row
"entropy" they follow from the entropy of the learner's predictions, which needs the classes of these images, but not their masks (the step
computes the IoU too; the plan does not read it). The other rows consume the masks of the 500 images. All rows train the same learners. The
columns are trained with one, two or three rounds. The seed determines the samples and the trainings.
"""

_base_ = '_base_/steps.py'

count = 300  # samples of a round; a multiple of the ten classes
minimum = 5  # smallest number of samples of a class
rules = dict(uniform=('score', 0), steered=('score', 1), entropy=('entropy', 1))  # what a plan follows, and its power
learner_options = {}  # more options of each learner

synthesis_config = 'configs/synthesis/biggan32_fashion.py'
learner_config = 'configs/transfer/fashion/unet_32px_rounds.py'
training = {'randomness.seed': '{seed}', **_base_.no_files, 'default_hooks.checkpoint.interval': 400, **learner_options}
validation = {'test_dataloader.dataset.split': 'train', 'test_dataloader.dataset.label_fraction': 0.05}
first_round = dict(
    name='round_0',
    tool='synthesize.py',
    arguments=['{config}', '{out}/dataset', '--num-per-class', f'{count // 10}', '--seed', '{seed}'],
    config=synthesis_config,
    resume=[],
)
next_rounds = {
    name: [
        step
        for number in (1, 2)
        for step in (
            dict(
                _base_.train,
                name=f'learner_{number - 1}',
                config=learner_config,
                options={
                    **training,
                    'default_hooks.checkpoint.save_last': True,
                    'rounds': [f'{{round_{i}.out}}/dataset' for i in range(number)],
                },
            ),
            dict(
                name=f'validation_{number - 1}',
                tool='test.py',
                arguments=[
                    *('{config}', f'{{learner_{number - 1}.checkpoint}}', '--work-dir', '{out}'),
                    *('--out', '{out}/validation.json'),
                    *(['--entropy'] if by == 'entropy' else []),
                ],
                config=learner_config,
                options={**validation, 'rounds': [f'{{round_{i}.out}}/dataset' for i in range(number)]},
                outputs=dict(result='validation.json'),
            ),
            dict(
                name=f'plan_{number}',
                tool='plan_round.py',
                arguments=[
                    *(f'{{validation_{number - 1}.result}}', '{out}/plan.json', '--total', f'{count}', '--power', f'{power}', '--by', by),
                    *('--minimum', f'{minimum}', '--missing', '0', '--after', *(f'{{round_{i}.out}}/dataset' for i in range(number))),
                ],
                outputs=dict(plan='plan.json'),
            ),
            dict(
                name=f'round_{number}',
                tool='synthesize.py',
                arguments=['{config}', '{out}/dataset', '--plan', f'{{plan_{number}.plan}}'],
                config=synthesis_config,
                resume=[],
            ),
        )
    ]
    for name, (by, power) in rules.items()
}

study = dict(
    row_title='rounds',
    column_title='labelled images',
    rows=[
        dict(
            name=name,
            title=name,
            steps=[first_round, *steps, dict(_base_.train, name='segmentor', config=learner_config, options=training, outputs=dict())],
        )
        for name, steps in next_rounds.items()
    ],
    columns=[
        dict(
            name=str(number * count),
            title=str(number * count),
            options=dict(rounds=[f'{{round_{i}.out}}/dataset' for i in range(number)]),
            value=number * count,
        )
        for number in (1, 2, 3)
    ],
    seeds=[0, 1, 2],
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    baseline='uniform',
    plot=dict(kind='columns', figures=['mIoU'], x_title='labelled images'),
)
