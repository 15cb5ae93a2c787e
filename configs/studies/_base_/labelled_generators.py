"""Steps and figures of studies that compare labelled generators on the embedded domain.

Annotated images are encoded, an ensemble is trained and validated on held-out samples with masks by the documented rule, images are
synthesised and compared with real test images, and a segmentor is trained with them. A row adds the configs and options of its generator.
"""

_base_ = 'steps.py'

members = 4
iterations = 400  # of the interpreters
held_out = 100  # samples of each class
per_class = 100  # synthesised images of each class
candidates = 112  # for each class, because the uncertainty filter drops a tenth
features = 'resnet_fashion32'

encode = dict(name='annotate', tool='annotate.py', arguments=['encode', '{config}', 'mmbdg://fashion32/annotated_latents', '{out}/set'])
interpreter = dict(_base_.train, name='interpreter', outputs=dict(labelled_generator='labelled_generator'))
training = {
    'randomness.seed': '{seed}',
    'num_members': members,
    'train_cfg.max_iters': iterations,
    'train_cfg.val_interval': iterations // 2,  # two validations show whether the training has converged
    'default_hooks.checkpoint.interval': iterations,
    'model.feature_cache.folder': '{shared}/features',
    'model.keep_members': True,
    'val_evaluator.type': 'mmbdg.EnsembleQuality',
    'val_dataloader.dataset.per_class': held_out,
}
synthesize = dict(
    name='synthesize',
    tool='synthesize.py',
    arguments=['{config}', '{out}/dataset', '--num-per-class', f'{per_class}', '--seed', '{synthesis_seed}'],
    config='configs/synthesis/biggan32_fashion.py',
    options={
        'synthesis.labelled_generator': '{interpreter.labelled_generator}',
        'synthesis.uncertainty_rate': 0.1,  # paper
        'synthesis.candidates': candidates,
    },
    resume=[],
)
compare = dict(
    name='compare',
    tool='compare_dataset.py',
    arguments=['{synthesize.out}/dataset', '{out}/figures.json', '--features', features, '--judge', features],
    outputs=dict(figures='figures.json'),
)
segmentor = dict(
    _base_.train,
    name='segmentor',
    config='configs/transfer/fashion/unet_32px_synthetic.py',
    outputs=dict(),
    options={'randomness.seed': '{seed}', 'synthetic': '{synthesize.out}/dataset', **_base_.no_files},
)

per_seed = dict(annotation_seed=[1, 3, 4], synthesis_seed=[10, 11, 12])  # 2 is the seed of the held-out samples
quality = [
    dict(name='mIoU_fgbg', title='FG/BG', read='validations:mIoU_fgbg', step='interpreter', unit='%'),
    dict(name='mIoU_classes', title='11 classes', read='validations:mIoU_classes', step='interpreter', unit='%'),
    dict(name='kept_fgbg', title='FG/BG, certain 90 %', read='validations:kept_fgbg', step='interpreter', unit='%'),
    dict(name='spearman', title='Spearman', read='validations:spearman', step='interpreter', digits=2),
    dict(name='KD', title=f'KD-{features}', read='figures.json:figures.KD', step='compare', digits=1),
    dict(name='ID', title='image diversity', read='figures.json:figures.ID', step='compare', digits=2),
    dict(name='recognised', read='figures.json:figures.recognised', step='compare', digits=1, unit='%'),
]
cost = [
    dict(
        name=f'ms_per_{what}',
        title=title,
        read=f'dataset/logs/throughput.json:cpu_seconds_per_{what}',
        step='synthesize',
        scale=1000.0,
        unit='ms',
    )
    for what, title in (('candidate', 'CPU time of a labelled image'), ('kept', 'of a kept one'))
]
downstream = [dict(name='mIoU', title='segmentor on real images', read='validations:mIoU', step='segmentor', unit='%')]
