"""Synthesis of labelled images with your generator."""

_base_ = 'networks.py'

labelled_generator = f'{_base_.work_root}/interpreter/labelled_generator'
classifier_weights = f'{_base_.work_root}/classifier/classifier.safetensors'
synthesis = dict(
    labelled_generator=labelled_generator,
    num_per_class=1000,
    seed=0,
    truncation=0.9,
    candidates=500,
    classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
    rejection_rate=0.9,
    uncertainty_rate=0.1,
)
requires = dict(
    labelled_generator='the generator with its interpreters: python tools/train.py {config_dir}/interpreter.py',
    classifier_weights='the classifier that rejects samples: python tools/train.py {config_dir}/classifier.py',
)
