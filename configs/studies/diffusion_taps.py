"""Where a feature interpreter taps a diffusion model: timestep, blocks, and attention maps.

    python tools/study.py configs/studies/diffusion_taps.py work_dirs/diffusion_taps --jobs 2
    python tools/study.py configs/studies/diffusion_taps.py work_dirs/diffusion_taps --rows both_100 decoder_100

All interpreters are trained with the 50 annotations of the embedded GAN's samples, encoded with noise, and tested on the same 1,000
held-out samples of the diffusion model, with masks by the documented rule. The seed determines the noise and the training. "Own samples":
as many samples of the model itself, annotated by the rule (docs/diffusion_generator.md).
"""

_base_ = '_base_/steps.py'

members = 2
iterations = 300
config = 'configs/interpreter/diffusion_fashion32.py'
denoiser = ('denoiser.mid_block', 'denoiser.up_blocks.0.attentions.1', 'denoiser.up_blocks.1.resnets.1')
decoder = ('autoencoder.decoder.layers.3', 'autoencoder.decoder.layers.6', 'autoencoder.decoder.layers.9')
rows = dict(  # taps, attention maps, latents of the annotated set
    decoder=(decoder, False, 'encoded'),  # the control: shows what the denoiser's features add
    denoiser=(denoiser, False, 'encoded'),
    both=((*denoiser, *decoder), False, 'encoded'),
    attention=((*denoiser, *decoder), True, 'encoded'),
    own=((*denoiser, *decoder), False, 'own'),
)
timesteps = dict(decoder=(100,), denoiser=(100, 500), both=(100, 300, 500, 700), attention=(500,), own=(100,))  # decoder: no matter which
titles = dict(
    decoder='decoder',
    denoiser='denoiser',
    both='denoiser and decoder',
    attention='denoiser, decoder, attention maps',
    own='denoiser and decoder, own samples',
)

annotate = dict(
    encoded=dict(
        name='annotate',
        tool='annotate.py',
        arguments=['encode', '{config}', 'mmbdg://fashion32/annotated_latents', '{out}/set'],
        config=config,
        options=dict(annotation_seed='{annotation_seed}'),
    ),
    own=dict(
        name='annotate',
        tool='annotate.py',
        arguments=['sample', '{config}', '{out}/set', '--per-class', '5', '--rule', 'mmbdg.annotation.foreground.fashion_foreground'],
        config=config,
        options=dict(annotation_seed='{annotation_seed}'),
    ),
)
training = {
    'annotated': '{annotate.out}/set',
    'randomness.seed': '{seed}',
    'num_members': members,
    'train_cfg.max_iters': iterations,
    **dict.fromkeys(('val_dataloader', 'val_cfg', 'val_evaluator')),  # the next step measures
    'default_hooks.checkpoint.interval': iterations,
    'model.feature_cache.folder': '{shared}/features',
}
measuring = {
    'model.keep_members': True,
    'test_evaluator.type': 'mmbdg.EnsembleQuality',
    'test_evaluator.per_class': False,
    'num_members': members,
    'annotated': '{annotate.out}/set',
}

tapped = {
    f'{name}_{timestep}': (
        latents,
        {'model.generator.taps': taps, 'model.generator.attention_maps': maps, 'model.generator.timesteps': [timestep]},
    )
    for name, (taps, maps, latents) in rows.items()
    for timestep in timesteps[name]
}
study = dict(
    row_title='features',
    rows=[
        dict(
            name=name,
            title=titles[name.rpartition('_')[0]] + (', t = ' + name.rpartition('_')[2]) * (name != 'decoder_100'),
            steps=[
                annotate[latents],
                dict(
                    _base_.train,
                    name='train',
                    config=config,
                    options={**training, **features, 'train_dataloader.dataset.latent_dim': dict(encoded=1024, own=512)[latents]},
                ),
                dict(
                    name='test',
                    tool='test.py',
                    arguments=['{config}', '{train.checkpoint}', '--work-dir', '{out}'],
                    config=config,
                    options={**measuring, **features},
                    outputs=dict(figures='test.json'),
                ),
            ],
        )
        for name, (latents, features) in tapped.items()
    ],
    seeds=[0, 1, 2],
    per_seed=dict(annotation_seed=[1, 3, 4]),  # 2 is the seed of the held-out samples
    figures=[
        *(
            dict(name=f'{what}_fgbg', title=title, read=f'test.json:metrics.{what}_fgbg', unit='%')
            for what, title in (('mIoU', 'FG/BG'), ('single', 'one member'), ('kept', 'certain 90 %'))
        ),
        dict(name='spearman', title='Spearman', read='test.json:metrics.spearman', digits=2),
    ],
)
