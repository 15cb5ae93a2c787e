"""Calibration of the garments in colour: a small U-Net with 50, 500 and all 10,000 masks (docs/colour_garments.md).

    python tools/study.py configs/studies/calibration_colour.py work_dirs/calibration_colour --jobs 2
    python tools/threshold_baseline.py configs/transfer/colour/unet_32px.py:test_dataloader.dataset work_dirs/threshold_colour.json

The seed determines which images are labelled, and the training. The rows "longer" show whether the training has converged.
"""

_base_ = '_base_/steps.py'

segmentor_config = 'configs/transfer/colour/unet_32px.py'
iterations = 1500

segmentor = dict(_base_.train, name='segmentor', config=segmentor_config, outputs=dict())
options = {'label_seed': '{seed}', 'randomness.seed': '{seed}', 'train_dataloader.num_workers': 0, **_base_.no_files}

study = dict(
    row_title='labels',
    rows=[
        *(
            dict(
                name=name,
                title=title,
                steps=[dict(segmentor, options=dict(options, label_space=name, iterations=iterations))],
            )
            for name, title in (('fgbg', 'FG/BG'), ('classes', '11 classes'))
        ),
        *(
            dict(
                name=f'{name}_longer',
                title=f'{title}, 1.5 times the iterations',
                steps=[dict(segmentor, options=dict(options, label_space=name, iterations=iterations * 3 // 2))],
                columns=['1.0'],
            )
            for name, title in (('fgbg', 'FG/BG'), ('classes', '11 classes'))
        ),
    ],
    columns=[
        dict(name=name, title=title, options=dict(label_fraction=float(name)), value=float(name))
        for name, title in (('0.005', '50 masks'), ('0.05', '500'), ('1.0', '10,000'))
    ],
    column_title='real masks',
    seeds=[0, 1],
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    plot=dict(x_title='fraction of the 10,000 masks', x_scale='log'),
)
