"""A table of the paper: one transfer from five pre-trainings. A study sets the variables below and inherits the rows."""

_base_ = ['steps.py', 'figures.py', 'papers_backbones.py']

transfer_config = ''
measured = 'coco'  # name of the figures in figures.py
published = []  # the paper's figures: random, supervised, MoCo-v2, DenseCL, BigGAN-sim-FPN; each with a value for every measured figure
paper = ''  # number of the table

study = dict(
    row_title='pre-training',
    rows=[
        dict(
            name=name,
            title=_base_.titles[name],
            paper=dict(all={one['name']: value for one, value in zip(_base_[measured], values, strict=True)}),
            steps=[
                dict(
                    _base_.train,
                    name='transfer',
                    config=transfer_config,
                    outputs=dict(),
                    processes=_base_.processes,
                    options={'randomness.seed': '{seed}', 'pretrained': _base_.backbones[name]},
                )
            ],
        )
        for name, values in zip(_base_.titles, published, strict=bool(published))
    ],
    figures=_base_[measured],
    baseline='densecl',
    paper=paper,
    seeds=[0, 1, 2, 3, 4],
    plot=dict(kind='iterations'),
)
