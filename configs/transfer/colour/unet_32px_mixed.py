"""unet_32px.py with 50 masked real images and a second set whose masks nobody drew: synthetic ones, or real ones with made masks.

    python tools/train.py configs/transfer/colour/unet_32px_mixed.py --cfg-options made=data/biggan32_colour

Half of each batch comes from each set. The test images are real.
"""

_base_ = 'unet_32px.py'

made = 'data/made'  # a dataset of tools/synthesize.py
label_fraction = 0.005  # of the real images: 50
real = dict(_base_.train_dataloader.dataset, label_fraction=label_fraction)
batch_size = 32
ratio = dict(real=1, made=1)

train_dataloader = dict(
    batch_size=batch_size,
    sampler=dict(_delete_=True, type='mmbdg.SourceRatioSampler', batch_size=batch_size, ratio=ratio),
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts=dict(
            real=real,
            made=dict(
                type='mmbdg.SyntheticSegDataset',
                data_root=made,
                label_space=_base_.label_space,
                pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), *_base_.train_dataloader.dataset.pipeline],
            ),
        ),
    ),
)
requires = dict(made='a dataset with masks: python tools/synthesize.py configs/synthesis/biggan32_colour.py data/biggan32_colour')
