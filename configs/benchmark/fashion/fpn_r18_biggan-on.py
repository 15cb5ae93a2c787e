"""BigGAN-on (BigDatasetGAN, section 5.2): a segmentor that is trained on synthetic images only, made inside the training.

    python tools/train.py configs/benchmark/fashion/fpn_r18_biggan-on.py

As fpn_r18_biggan-off.py but for three parts, numbered below; by the same three any mmseg config becomes one. docs/online.md says more.
"""

_base_ = 'fpn_r18_biggan-off.py'

labelled_generator = 'fashion32'
online_seed = 0

model = dict(
    data_preprocessor=dict(  # 1: makes the images where the model is
        type='mmbdg.OnlineDataPreprocessor',
        labelled_generator=labelled_generator,
        precision='float32',  # on a CPU
        augmentation=dict(size=64, area=(0.64, 1.0), ratio=(1.0, 1.0)),
    )
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),  # 2: counts them
    dataset=dict(  # 3: says which they are
        _delete_=True,
        type='mmbdg.OnlineSyntheticDataset',
        labelled_generator=labelled_generator,
        label_space='classes',
        seed=online_seed,
    ),
)
