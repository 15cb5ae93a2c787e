"""Solver and number of steps of the embedded diffusion model as a labelled generator (docs/generators_compared.md).

    python tools/study.py configs/studies/diffusion_steps.py work_dirs/diffusion_steps --steps work_dirs/generators/steps

The first row is the diffusion UNet of generators.py, whose steps it uses in the folder --steps.
"""

_base_ = '_base_/labelled_generators.py'

rows = dict(  # title, config, options of encoding and training
    ddim_10=('DDIM, 10 steps', 'diffusion_fashion32', {}),
    ddim_20=('DDIM, 20 steps', 'diffusion_fashion32', {'generator.steps': 20}),
    dpm_10=('DPM-Solver++, 10 steps', 'diffusion_fashion32_dpm', {}),
    dpm_20=('DPM-Solver++, 20 steps', 'diffusion_fashion32_dpm', {'generator.steps': 20}),
)

study = dict(
    row_title='sampling',
    rows=[
        dict(
            name=name,
            title=title,
            steps=[
                dict(
                    _base_.encode,
                    config=f'configs/interpreter/{config}.py',
                    options={**options, 'annotation_seed': '{annotation_seed}'},
                ),
                dict(
                    _base_.interpreter,
                    config=f'configs/interpreter/{config}.py',
                    options={**_base_.training, **options, 'annotated': '{annotate.out}/set'},
                ),
                _base_.synthesize,
                _base_.compare,
            ],
        )
        for name, (title, config, options) in rows.items()
    ],
    seeds=[0, 1, 2],
    per_seed=_base_.per_seed,
    figures=[*_base_.quality, *_base_.cost],
    baseline='ddim_10',
    plot=dict(kind='rows', figures=['mIoU_classes', 'KD', 'ms_per_kept']),
)
