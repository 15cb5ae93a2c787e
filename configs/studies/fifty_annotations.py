"""Fifty annotations and made masks: what trains the best segmentor of the garments in colour (docs/fifty_annotations.md).

    python tools/study.py configs/studies/fifty_annotations.py work_dirs/fifty_annotations --jobs 2

The images are the garments in colour. Each row with made masks trains with 50 annotated real images and as many made ones in each batch.
Network, iterations and augmentation are the same in all rows. Two kinds of rows differ in more: "online" has one interpreter, no filter and
the augmentation of the online preprocessor; the rows of consistency have three made images for each real one. The rows "n real masks" are
the yardstick. The seed chooses the annotated images, and is the seed of all trainings and samples. The classifier, the generators and the
stand-in annotator are trained once before (docs/colour_garments.md): their files are the variables below.
"""

_base_ = '_base_/steps.py'

classifier_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
biggan_weights = 'work_dirs/biggan_colour32/generator.safetensors'
diffusion_weights = 'work_dirs/transformer_colour32/transformer'
scaling_factor = 1.123478  # of its autoencoder: vae/config.json in that folder
annotator_weights = 'work_dirs/annotator_32px/segmentor.safetensors'
iterations = 1500  # of each segmentor
per_class = 900  # made images of each class
members = 4
interpreter_iterations = 400
real_masks = {'50': 0.005, '100': 0.01, '200': 0.02, '500': 0.05, '1,000': 0.1, '10,000': 1.0}

annotator = f'configs/transfer/colour/annotator_32px.py:{annotator_weights}'
files = dict(_base_.no_files, **{'train_dataloader.num_workers': 0})
fast = ['--amp', '--channels-last']  # 2.3 times as fast on a CPU with AMX; [] on other CPUs
segmentor = dict(
    _base_.train,
    name='segmentor',
    config='configs/transfer/colour/unet_32px.py',
    arguments=[*_base_.train['arguments'], *fast],
    outputs=dict(),
)
training = {'randomness.seed': '{seed}', 'label_seed': '{seed}', 'iterations': iterations, **files}
mixed = dict(segmentor, config='configs/transfer/colour/unet_32px_mixed.py', options=dict(training, made='{synthesize.out}/dataset'))
consistent = dict(  # masks of the made set are not read
    segmentor,
    config='configs/transfer/colour/unet_32px_consistency.py',
    options=dict(training, synthetic='{synthesize.out}/dataset'),
)
labeller = {  # options of a training of interpreters
    'randomness.seed': '{seed}',
    'num_members': members,
    'train_cfg.max_iters': interpreter_iterations,
    'train_cfg.val_interval': interpreter_iterations,
    'default_hooks.checkpoint.interval': interpreter_iterations,
    'model.feature_cache.folder': '{shared}/features',
}
interpreter = dict(_base_.train, name='interpreter', outputs=dict(labelled_generator='labelled_generator'))
synthesize = dict(
    name='synthesize',
    tool='synthesize.py',
    arguments=['{config}', '{out}/dataset', '--num-per-class', f'{per_class}', '--seed', '{seed}'],
    resume=[],
)
converter = 'dataset_converters/colour_garments.py'
fifty = dict(name='fifty', tool=converter, arguments=['{out}/set', '--label-fraction', '0.005', '--label-seed', '{seed}'])
all_images = dict(name='images', tool=converter, arguments=['{out}/set', '--no-masks'])
test_images = dict(name='test', tool=converter, arguments=['{out}/set', '--split', 'test'])
biggan = [
    dict(
        name='annotate',
        tool='annotate.py',
        arguments=['sample', '{config}', '{out}/set', '--per-class', '5', '--rule', annotator],
        inputs=[annotator_weights],
        config='configs/interpreter/biggan32_colour.py',
        options={'generator_weights': biggan_weights, 'annotation_seed': '{annotation_seed}'},
    ),
    dict(
        interpreter,
        config='configs/interpreter/biggan32_colour.py',
        options=dict(labeller, generator_weights=biggan_weights, annotated='{annotate.out}/set', annotator=annotator),
        inputs=[annotator_weights],
    ),
    dict(
        synthesize,
        config='configs/synthesis/biggan32_colour.py',
        options={'labelled_generator': '{interpreter.labelled_generator}'},
    ),
]
labelled = [
    fifty,
    all_images,
    test_images,
    dict(
        interpreter,
        config='configs/interpreter/real_colour.py',
        options={
            **labeller,
            'backbone_weights': classifier_weights,
            'annotated': '{fifty.out}/set',
            'test_images': '{test.out}/set',
        },
    ),
    dict(
        synthesize,
        config='configs/synthesis/real_labelled_colour32.py',
        options={'images': '{images.out}/set/images', 'labeller': '{interpreter.labelled_generator}'},
    ),
]
pseudo_labelled = [
    dict(
        _base_.train,
        name='own',
        config='configs/transfer/colour/unet_32px.py',
        options=dict(training, label_space='fgbg', label_fraction=0.005, **{'default_hooks.checkpoint.save_last': True}),
    ),
    all_images,
    dict(
        synthesize,
        config='configs/synthesis/pseudo_labelled_colour32.py',
        options=dict(images='{images.out}/set/images', segmentor='{own.out}/unet_32px.py', checkpoint='{own.checkpoint}'),
    ),
]

online = dict(
    segmentor,
    config='configs/transfer/colour/unet_32px_online.py',
    options=dict(training, labelled_generator='{interpreter.labelled_generator}', online_seed='{seed}'),
)
diffusion = [
    fifty,
    dict(
        name='annotate',
        tool='annotate.py',
        arguments=['encode', '{config}', '{fifty.out}/set', '{out}/set'],
        config='configs/interpreter/transformer_colour.py',
        options={'pipeline': diffusion_weights, 'scaling_factor': scaling_factor},
    ),
    dict(
        interpreter,
        config='configs/interpreter/transformer_colour.py',
        options=dict(
            labeller,
            pipeline=diffusion_weights,
            scaling_factor=scaling_factor,
            annotated='{annotate.out}/set',
            annotator=annotator,
        ),
        inputs=[annotator_weights],
    ),
    dict(
        synthesize,
        config='configs/synthesis/biggan32_colour.py',
        options={'labelled_generator': '{interpreter.labelled_generator}'},
    ),
]
*to_labeller, by_labeller = labelled
mixture = [
    *biggan[:2],
    dict(biggan[2], name='biggan'),
    *(dict(step, name='labeller') if step['name'] == 'interpreter' else step for step in to_labeller),
    dict(by_labeller, options=dict(by_labeller['options'], labeller='{labeller.labelled_generator}')),
    dict(
        segmentor,
        config='configs/transfer/colour/unet_32px_mixture.py',
        options=dict(training, made='{biggan.out}/dataset', more='{synthesize.out}/dataset'),
    ),
]
by_annotator = [  # a diagnosis: the images of the row "biggan" with much better masks
    *biggan[:2],
    dict(biggan[2], name='biggan'),
    dict(
        synthesize,
        config='configs/synthesis/pseudo_labelled_colour32.py',
        options={
            'images': '{biggan.out}/dataset',
            'segmentor': 'configs/transfer/colour/annotator_32px.py',
            'checkpoint': annotator_weights,
            'synthesis.filters': [],  # the images have passed a filter
        },
        inputs=[annotator_weights],
    ),
]
pool_config = 'configs/synthesis/retrieval_colour32.py'
retrieved = [
    *(step for step in to_labeller if step['name'] != 'images'),
    dict(name='pool', tool='dataset_converters/garment_pool.py', arguments=['{out}/pool', '--colour', '--seed', '{seed}']),
    dict(
        name='index',
        tool='index_pool.py',
        arguments=['{pool.out}/pool', '{config}'],
        config=pool_config,
        options={'pool': '{pool.out}/pool', 'index': '{out}/index'},
    ),
    dict(
        synthesize,
        name='images',  # all hits: about 1,000 of a class
        arguments=['{config}', '{out}/dataset', '--num-per-class', f'{per_class * 5 // 4}', '--seed', '{seed}'],
        config=pool_config,
        options={'pool': '{pool.out}/pool', 'index': '{index.out}/index'},
    ),
    dict(by_labeller, options=dict(by_labeller['options'], images='{images.out}/dataset')),
]

everything = dict(images=10_000, labels=10_000)
by_biggan = dict(everything, masks=100, note='labels: generator; masks: 50 real images, 50 generated ones')
by_classifier = dict(everything, masks=50, note='labels: classifier, whose features the labeller reads')
by_folders = dict(everything, masks=50, note='labels: the class of each image')
by_diffusion = dict(everything, masks=50, note='labels: diffusion model')
by_captions = dict(everything, masks=50, note='labels: classifier; and 10,000 captions, a fifth of them wrong')
by_all = dict(images=10_000, labels=10_000, masks=10_000, note='the annotator learned from all masks')
by_both = dict(everything, masks=100, note='as BigGAN and the labeller')

study = dict(
    row_title='training set',
    column_title='labels',
    rows=[
        *(
            dict(
                name=f'real_{number.replace(",", "")}',
                title=f'{number} real masks',
                consumed=dict(images=round(part * 10_000), labels=round(part * 10_000), masks=round(part * 10_000)),
                steps=[dict(segmentor, options=dict(training, label_fraction=part))],
            )
            for number, part in real_masks.items()
        ),
        dict(name='biggan', title='50 and BigGAN with interpreters', consumed=by_biggan, steps=[*biggan, mixed]),
        dict(name='biggan_annotator', title='50 and BigGAN with masks by the annotator', consumed=by_all, steps=[*by_annotator, mixed]),
        dict(name='online', title='50 and BigGAN with interpreters, online', consumed=by_biggan, steps=[*biggan[:2], online]),
        dict(name='diffusion', title='50 and diffusion with interpreters', consumed=by_diffusion, steps=[*diffusion, mixed]),
        dict(name='labelled', title='50 and real images by a labeller', consumed=by_classifier, steps=[*labelled, mixed]),
        dict(name='retrieved', title='50 and retrieved images by a labeller', consumed=by_captions, steps=[*retrieved, mixed]),
        dict(name='mixture', title='50, BigGAN, and real images by a labeller', consumed=by_both, steps=mixture),
        dict(name='consistency_biggan', title='50 and BigGAN, unlabelled, by consistency', consumed=by_biggan, steps=[*biggan, consistent]),
        dict(
            name='consistency_real',
            title='50 and real images, unlabelled, by consistency',
            consumed=by_folders,
            steps=[*pseudo_labelled, consistent],
        ),
        dict(name='pseudo', title='50 and real images by the network of the 50', consumed=by_folders, steps=[*pseudo_labelled, mixed]),
    ],
    columns=[
        dict(name='fgbg', title='FG/BG', options=dict(label_space='fgbg')),
        dict(name='classes', title='11 classes', options=dict(label_space='classes')),
    ],
    varied=['segmentor'],
    seeds=[0, 1, 2],
    per_seed=dict(annotation_seed=[1, 3, 4]),  # 2 is the seed of the held-out samples
    figures=[dict(name='mIoU', read='validations:mIoU', step='segmentor', unit='%')],
    baseline='real_50',
    plot=dict(kind='rows', figures=['mIoU']),
)
