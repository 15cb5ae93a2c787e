"""BigGAN-on (BigDatasetGAN, section 5.2): a segmentor trained on synthetic images only, which are made during the training.

    python tools/train.py configs/benchmark/fashion/fpn_r18_biggan-on.py

It differs from fpn_r18_biggan-off.py in three parts, numbered below. The same three parts convert any mmseg config, see docs/online.md.
"""

_base_ = 'fpn_r18_biggan-off.py'

labelled_generator = 'fashion32'
online_seed = 0

model = dict(
    data_preprocessor=dict(  # 1: makes the images on the device of the model
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=labelled_generator,
        precision='float32',  # for a CPU
        augmentation=dict(size=64, area=(0.64, 1.0), ratio=(1.0, 1.0)),
    )
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),  # 2: numbers the samples
    dataset=dict(  # 3: converts a number to class and index
        _delete_=True,
        type='mmbdg.OnlineSyntheticDataset',
        labelled_generator=labelled_generator,
        label_space='classes',
        seed=online_seed,
    ),
)
