"""unet_32px.py with 50 masked real images and labelled images that are made during the training (docs/online.md).

    python tools/train.py configs/transfer/colour/unet_32px_online.py

Half of each batch comes from each set, as in unet_32px_mixed.py, whose synthetic images are stored. No made image repeats.
"""

_base_ = 'unet_32px_mixed.py'

labelled_generator = 'work_dirs/biggan32_colour/labelled_generator'
online_seed = 0
members = 1  # interpreters that label the images

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
    collate_fn=dict(type='mmengine.pseudo_collate'),  # a batch has images and addresses
    dataset=dict(
        parts=dict(
            made=dict(
                _delete_=True,
                type='mmbdg.OnlineSyntheticDataset',
                labelled_generator=labelled_generator,
                label_space=_base_.label_space,
                seed=online_seed,
            )
        )
    ),
)
requires = dict(_delete_=True, labelled_generator='the labelled generator: python tools/train.py configs/interpreter/biggan32_colour.py')
