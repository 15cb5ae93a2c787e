"""Can a task tell good training data from bad? A segmentor trained with few, some and all real labels (docs/generators_compared.md).

    python tools/study.py configs/studies/calibration.py work_dirs/calibration --jobs 2

The task is that of generators.py: 11 classes of garments at 32 px, a small U-Net from random weights, the 1,000 real test images. The
rows "half" and "double" show whether the training has converged. The seed determines which images are labelled, and the training.
"""

_base_ = '_base_/steps.py'

iterations = 1600
segmentor = dict(
    _base_.train,
    name='segmentor',
    config='configs/transfer/fashion/unet_32px_light.py',
    outputs=dict(),
    options={'label_seed': '{seed}', 'randomness.seed': '{seed}', 'iterations': iterations, **_base_.no_files},
)
study = dict(
    row_title='training',
    rows=[
        dict(name='default', title=f'{iterations:,} iterations', steps=[segmentor]),
        *(
            dict(
                name=name,
                title=f'{number:,} iterations',
                steps=[dict(segmentor, options=dict(segmentor['options'], iterations=number))],
                columns=['0.1'],
            )
            for name, number in (('half', iterations // 2), ('double', iterations * 2))
        ),
    ],
    columns=[
        dict(name=name, title=title, options=dict(label_fraction=float(name)), value=float(name))
        for name, title in (('0.005', '50 images'), ('0.05', '500'), ('0.1', '1,000'), ('1.0', '10,000'))
    ],
    column_title='real labelled images',
    seeds=[0, 1, 2],
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    plot=dict(x_title='fraction of the 10,000 labelled images', x_scale='log'),
)
