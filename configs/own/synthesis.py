"""Labelled images from your generator."""

_base_ = 'classifier.py'

synthesis = dict(
    labelled_generator=f'{_base_.work_root}/interpreter/labelled_generator',
    num_per_class=1000,
    seed=0,
    truncation=0.9,
    candidates=500,
    classifier=dict(
        init_cfg=dict(type='Pretrained', checkpoint=f'{_base_.work_root}/classifier/classifier.safetensors'), **_base_.classifier
    ),
    rejection_rate=0.9,
    uncertainty_rate=0.1,
)
