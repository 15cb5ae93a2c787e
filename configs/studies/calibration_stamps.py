"""Can stamps64 tell good masks from bad? A U-Net trained with 50, 500 and all real masks (docs/stamps.md).

    python tools/study.py configs/studies/calibration_stamps.py work_dirs/calibration_stamps

The seed determines the initial weights and the order of the images. tools/threshold_baseline.py gives the threshold to compare with.
"""

_base_ = '_base_/steps.py'

data_root = 'data/stamps64'
iterations = 1500
segmentor = dict(
    _base_.train,
    name='segmentor',
    config='configs/transfer/stamps/unet_64px.py',
    outputs=dict(),
    options={'data_root': data_root, 'iterations': iterations, 'randomness.seed': '{seed}', **_base_.no_files},
)
study = dict(
    row_title='labels',
    rows=[
        dict(name=name, title=title, steps=[dict(segmentor, options=dict(segmentor['options'], label_space=name))])
        for name, title in (('fgbg', 'foreground and background'), ('classes', 'background and 8 classes'))
    ],
    columns=[
        dict(name=name, title=f'{title} images', options=dict(subset=subset), value=value)
        for name, title, subset, value in (('50', '50', 50, 50), ('500', '500', 500, 500), ('all', '8,000', None, 8000))
    ],
    column_title='real labelled images',
    seeds=[0, 1, 2],
    figures=[dict(name='mIoU', read='validations:mIoU', unit='%')],
    plot=dict(x_title='real labelled images', x_scale='log'),
)
