"""densecl_biggan_fpn_in1k.py with online sampling: the labelled images are made during the training.

    tools/dist_train.sh configs/densecl_biggan_fpn_online_in1k.py 8

One interpreter and no filters, as in the paper (section 3.2). Not run by us, because ImageNet, BigGAN-512 and eight GPUs were not
available.
"""

_base_ = 'densecl_biggan_fpn_in1k.py'

labelled_generator = 'work_dirs/biggan512_fgbg/labelled_generator'
online_seed = 0

model = dict(
    data_preprocessor=dict(
        seg=dict(
            type='mmbdg.OnlineDataPreprocessor',
            labelled_generator=labelled_generator,
            precision='bfloat16',
            sampling=dict(batch_size=16),  # 512 px
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

requires = dict(
    _delete_=True,
    imagenet=_base_.requires['imagenet'],
    labelled_generator='a labelled generator of BigGAN-512: what the training of its feature interpreters writes into its work dir',
    load_from=_base_.requires['load_from'],
)
