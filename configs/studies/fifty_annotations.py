"""Fifty annotations and made masks: what trains the best segmentor of the garments in colour (docs/fifty_annotations.md).

    python tools/study.py configs/studies/fifty_annotations.py work_dirs/fifty_annotations --jobs 2

The images are the garments in colour. Each row with made masks trains with 50 annotated real images and as many made ones in each batch.
Network, iterations and augmentation are the same in all rows. The rows "n real masks" are the yardstick. The seed chooses the annotated
images, and is the seed of all trainings and samples. The classifier, the generators and the stand-in annotator are trained once before
(docs/colour_garments.md): their files are the variables below.
"""

_base_ = '_base_/steps.py'

classifier_weights = 'work_dirs/resnet_colour32/classifier.safetensors'
biggan_weights = 'work_dirs/biggan_colour32/generator.safetensors'
annotator_weights = 'work_dirs/annotator_32px/segmentor.safetensors'
iterations = 1500  # of each segmentor
per_class = 900  # made images of each class
members = 4
interpreter_iterations = 400
real_masks = {'50': 0.005, '100': 0.01, '200': 0.02, '500': 0.05, '1,000': 0.1, '10,000': 1.0}

annotator = f'configs/transfer/colour/annotator_32px.py:{annotator_weights}'
files = dict(_base_.no_files, **{'train_dataloader.num_workers': 0})
segmentor = dict(_base_.train, name='segmentor', config='configs/transfer/colour/unet_32px.py', outputs=dict())
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

everything = dict(images=10_000, labels=10_000)
by_biggan = dict(everything, masks=100, note='labels: generator; masks: 50 real images, 50 generated ones')
by_classifier = dict(everything, masks=50, note='labels: classifier, whose features the labeller reads')
by_folders = dict(everything, masks=50, note='labels: the class of each image')

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
        dict(name='labelled', title='50 and real images by a labeller', consumed=by_classifier, steps=[*labelled, mixed]),
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
