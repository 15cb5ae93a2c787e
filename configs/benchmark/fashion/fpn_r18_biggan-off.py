"""BigGAN-off (BigDatasetGAN, section 5.2): a segmentor trained on a synthesised dataset only.

    python tools/train.py configs/benchmark/fashion/fpn_r18_biggan-off.py

A missing dataset is made first. Validation and test use real images. The online version is fpn_r18_biggan-on.py.
"""

_base_ = [
    '../../_base_/runtime.py',
    '../../_base_/models/fpn_r18_64px.py',
    '../../_base_/datasets/batches_of_32.py',
    '../../_base_/datasets/fashion32_seg_test.py',
    '../../synthesis/biggan32_fashion.py',
]

default_scope = 'mmseg'
iterations = 300

train_dataloader = dict(
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.SyntheticSegDataset',
        prepare=_base_.synthesis,
        label_space='classes',
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='RandomResize', scale=(64, 64), ratio_range=(1.0, 1.25), resize_type='mmseg.Resize'),
            dict(type='RandomCrop', crop_size=(64, 64)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
    ),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.05, momentum=0.9, weight_decay=5e-4))
param_scheduler = dict(type='PolyLR', power=0.9, eta_min=1e-4, begin=0, end=iterations, by_epoch=False)
custom_hooks = [dict(type='mmbdg.SamplePredictionsHook')]

next_step = 'python tools/test.py {config} {checkpoint}'
