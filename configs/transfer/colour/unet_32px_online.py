"""unet_32px.py with 50 masked real images and labelled images that are made during the training (docs/online.md).

    python tools/train.py configs/transfer/colour/unet_32px_online.py

Half of each batch comes from each set, as in unet_32px_mixed.py, whose synthetic images are stored. No made image repeats. Other
differences: one interpreter labels the images instead of the ensemble, there is no filter, and the augmentation of the made images is
mmbdg.ResizedCropFlip.
"""

_base_ = 'unet_32px.py'

label_fraction = 0.005  # of the real images: 50
labelled_generator = 'work_dirs/biggan32_colour/labelled_generator'
online_seed = 0
members = 1  # interpreters that label the images
batch_size = 32
ratio = dict(real=1, made=1)

model = dict(
    data_preprocessor=dict(
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=labelled_generator,
        precision='float32',  # for a CPU
        members=members,
        augmentation=dict(size=_base_.size, area=(0.64, 1.0), ratio=(1.0, 1.0)),  # as RandomResize and RandomCrop of the real images
    )
)
train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='mmbdg.SourceRatioSampler', batch_size=batch_size, ratio=ratio),
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts=dict(
            real=dict(_base_.train_dataloader.dataset, label_fraction=label_fraction),
            made=dict(
                type='mmbdg.OnlineSyntheticDataset',
                labelled_generator=labelled_generator,
                label_space=_base_.label_space,
                seed=online_seed,
            ),
        ),
    ),
)
requires = dict(labelled_generator='the labelled generator: python tools/train.py configs/interpreter/biggan32_colour.py')
