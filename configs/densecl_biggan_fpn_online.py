"""densecl_biggan_fpn.py with online sampling: the labelled images are made during the training, and no image repeats.

    python tools/train.py configs/densecl_biggan_fpn_online.py        # 5 minutes on two cores, nothing to download or to synthesise

docs/online.md describes the addresses of samples and the cost.
"""

_base_ = 'densecl_biggan_fpn.py'

labelled_generator = 'fashion32'
online_seed = 0

model = dict(
    data_preprocessor=dict(
        seg=dict(
            type='mmbdg.OnlineDataPreprocessor',
            labelled_generator=labelled_generator,
            precision='float32',  # for a CPU
            augmentation=_base_.seg_augmentation,
        )
    )
)
train_dataloader = dict(
    dataset=dict(
        seg=dict(
            _delete_=True,
            type='mmbdg.OnlineSyntheticDataset',
            labelled_generator=labelled_generator,
            label_space=_base_.label_space,
            seed=online_seed,
        )
    ),
)
