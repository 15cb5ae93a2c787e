"""Where a feature interpreter taps a diffusion model: timestep, blocks, and attention maps.

    python tools/study.py configs/studies/diffusion_taps.py work_dirs/diffusion_taps --jobs 2
    python tools/study.py configs/studies/diffusion_taps.py work_dirs/diffusion_taps --rows both_100 decoder_100

The first rows are of the diffusion UNet, the rows transformer_* of the diffusion transformer. All interpreters are trained with the 50
annotations of the embedded GAN's samples, encoded with noise, and tested on the same 1,000 held-out samples of the diffusion model, with
masks by the documented rule. The seed determines the noise and the training. "Own samples": as many samples of the model itself, annotated
by the rule (docs/diffusion_generator.md).
"""

_base_ = '_base_/steps.py'

members = 2
iterations = 300
unet = 'configs/interpreter/diffusion_fashion32.py'
transformer = 'configs/interpreter/transformer_fashion32.py'
denoiser = ('denoiser.mid_block', 'denoiser.up_blocks.0.attentions.1', 'denoiser.up_blocks.1.resnets.1')
blocks = tuple(f'denoiser.transformer_blocks.{number}' for number in range(4))
decoder = ('autoencoder.decoder.layers.3', 'autoencoder.decoder.layers.6', 'autoencoder.decoder.layers.9')
rows = dict(  # title, config, latents of the annotated set, taps, attention maps, timesteps
    decoder=('decoder', unet, 'encoded', decoder, False, (100,)),  # the control; any timestep gives the same features
    denoiser=('denoiser', unet, 'encoded', denoiser, False, (100, 500)),
    both=('denoiser and decoder', unet, 'encoded', (*denoiser, *decoder), False, (100, 300, 500, 700)),
    attention=('denoiser, decoder, attention maps', unet, 'encoded', (*denoiser, *decoder), True, (500,)),
    own=('denoiser and decoder, own samples', unet, 'own', (*denoiser, *decoder), False, (100,)),
    transformer_decoder=('transformer: decoder', transformer, 'encoded', decoder, False, (100,)),
    transformer_denoiser=('transformer: denoiser', transformer, 'encoded', blocks, False, (100, 500)),
    transformer_both=('transformer: denoiser and decoder', transformer, 'encoded', (*blocks, *decoder), False, (100, 500)),
)

annotate = dict(
    encoded=dict(
        name='annotate',
        tool='annotate.py',
        arguments=['encode', '{config}', 'mmbdg://fashion32/annotated_latents', '{out}/set'],
        options=dict(annotation_seed='{annotation_seed}'),
    ),
    own=dict(
        name='annotate',
        tool='annotate.py',
        arguments=['sample', '{config}', '{out}/set', '--per-class', '5', '--rule', 'mmbdg.annotation.foreground.fashion_foreground'],
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

study = dict(
    row_title='features',
    rows=[
        dict(
            name=f'{name}_{timestep}',
            title=f'{title}, t = {timestep}' if 'denoiser' in title else title,
            steps=[
                dict(annotate[latents], config=config),
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
        for name, (title, config, latents, taps, maps, timesteps) in rows.items()
        for timestep in timesteps
        for features in [
            {'model.generator.taps': taps, 'model.generator.attention_maps': maps, 'model.generator.timesteps': [timestep]},
        ]
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
