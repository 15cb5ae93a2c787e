r"""unet_32px.py with 50 masked real images and two sets with made masks, e.g. synthetic images and real ones.

    python tools/train.py configs/transfer/colour/unet_32px_mixture.py \
        --cfg-options made=data/biggan32_colour more=data/real_labelled_colour

Half of each batch are masked real images, a quarter comes from each of the other sets.
"""

_base_ = 'unet_32px_mixed.py'

more = 'data/more'  # a second dataset of tools/synthesize.py
ratio = dict(real=2, made=1, more=1)

train_dataloader = dict(
    sampler=dict(ratio=ratio),
    dataset=dict(parts=dict(more=dict(_base_.train_dataloader.dataset.parts.made, data_root=more))),
)
requires = dict(
    more='a second dataset with masks: python tools/synthesize.py configs/synthesis/real_labelled_colour32.py data/real_labelled_colour'
)
