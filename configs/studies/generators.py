"""BigGAN, VQGAN and two diffusion models as labelled generators, with the same 50 annotations (docs/generators_compared.md).

    python tools/study.py configs/studies/generators.py work_dirs/generators
    python tools/study.py configs/studies/generators.py work_dirs/generators --rows VQGAN --seeds 0

BigGAN's annotated samples are used as they are; the other generators encode their images. Each row trains an ensemble, synthesises 1,000
labelled images, and trains a segmentor with them, which is tested on real images. calibration.py has the figures with real training images.
The seed determines the noise of the encoded images, the trainings and the synthesis.
"""

_base_ = '_base_/labelled_generators.py'

vqgan = 'mmbdg://fashion32/vqgan.safetensors'
noise = dict(annotation_seed='{annotation_seed}')
rows = dict(  # title, config, its options, further options of each encoding
    BigGAN=('BigGAN', 'biggan32_fashion', {}, []),
    VQGAN=('VQGAN', 'vqgan_fashion32', dict(generator_weights=vqgan), [{}]),
    UNet=('diffusion UNet', 'diffusion_fashion32', {}, [noise]),
    UNet_1=('diffusion UNet, no guidance', 'diffusion_fashion32', {'generator.guidance': 1.0}, [noise]),
    transformer=('diffusion transformer', 'transformer_fashion32', {}, [noise]),
)
study = dict(
    row_title='generator',
    rows=[
        dict(
            name=name,
            title=title,
            steps=[
                *[dict(_base_.encode, config=f'configs/interpreter/{config}.py', options={**options, **more}) for more in encoding],
                dict(
                    _base_.interpreter,
                    config=f'configs/interpreter/{config}.py',
                    options={**_base_.training, **options, **(dict(annotated='{annotate.out}/set') if encoding else {})},
                ),
                _base_.synthesize,
                _base_.compare,
                _base_.segmentor,
            ],
        )
        for name, (title, config, options, encoding) in rows.items()
    ],
    seeds=[0, 1, 2],
    per_seed=_base_.per_seed,
    figures=[*_base_.quality, *_base_.cost, *_base_.downstream],
    baseline='BigGAN',
    plot=dict(kind='rows', figures=['mIoU_classes', 'KD', 'ms_per_kept', 'mIoU']),
)
