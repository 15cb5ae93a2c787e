"""Synthesis of labelled images with your generator."""

_base_ = 'networks.py'

labelled_generator = f'{_base_.work_root}/interpreter/labelled_generator'
classifier_weights = f'{_base_.work_root}/classifier/classifier.safetensors'
truncation = None if _base_.plan['diffusion'] else 0.9  # a diffusion model needs the full variance of its noise
synthesis = dict(
    source=dict(type='mmbdg.LabelledGeneratorSource', labelled_generator=labelled_generator, truncation=truncation),
    filters=[
        dict(
            type='mmbdg.RejectionSampling',
            classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
            rate=0.9,
        ),
        dict(type='mmbdg.UncertaintyFilter', rate=0.1),
    ],
    num_per_class=_base_.plan['num_per_class'],
    seed=0,
    candidates=500,
)
requires = dict(
    labelled_generator='the generator with its interpreters: python tools/train.py {config_dir}/interpreter.py',
    classifier_weights='the classifier that rejects samples: python tools/train.py {config_dir}/classifier.py',
)
