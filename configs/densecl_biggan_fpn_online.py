"""Joint pre-training with online sampling: densecl_biggan_fpn.py, its labelled images made inside the training, never the same twice.

    python tools/train.py configs/densecl_biggan_fpn_online.py        # 5 minutes on two cores, nothing to download or to synthesise

docs/online.md says how samples are addressed and what it costs.
"""

_base_ = 'densecl_biggan_fpn.py'

labelled_generator = 'fashion32'
online_seed = 0

model = dict(
    data_preprocessor=dict(
        seg=dict(
            type='mmbdg.OnlineDataPreprocessor',
            labelled_generator=labelled_generator,
            precision='float32',  # on a CPU
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
