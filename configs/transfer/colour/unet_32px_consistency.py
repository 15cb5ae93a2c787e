"""unet_32px.py with 50 masks and unlabelled images, by pseudo-labels and consistency (docs/consistency.md).

    python tools/synthesize.py configs/synthesis/biggan32_colour.py data/biggan32_colour
    python tools/train.py configs/transfer/colour/unet_32px_consistency.py
    python tools/train.py configs/transfer/colour/unet_32px.py --cfg-options label_fraction=0.005    # control: the same masks only

The masks of the synthetic images are not read. `synthetic` may be any folder of tools/synthesize.py with the classes of the garments.
"""

_base_ = 'unet_32px.py'

label_space = 'classes'
label_fraction = 0.005  # 50 masks
label_seed = 0
synthetic = 'data/biggan32_colour'  # a dataset of tools/synthesize.py
ratio = dict(labelled=1, unlabelled=3)  # images in a batch of 32: 8 and 24

model = dict(
    type='mmbdg.ConsistencySegmentor',
    unlabelled='unlabelled',
    threshold=0.95,
    weight=1.0,
    ramp_up=300,
    momentum=0.99,
    strong=dict(blur_sigma=(0.1, 1.0)),
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.SourceRatioSampler', batch_size=32, ratio=ratio),
    dataset=dict(
        _delete_=True,
        type='mmbdg.MixedDataset',
        parts=dict(
            labelled=_base_.train_dataloader.dataset,
            unlabelled=dict(
                type='mmbdg.SyntheticSegDataset',
                data_root=synthetic,
                label_space=label_space,
                pipeline=[dict(type='mmbdg.LoadImage'), *_base_.train_dataloader.dataset.pipeline],
            ),
        ),
    ),
)
requires = dict(synthetic='unlabelled images: python tools/synthesize.py configs/synthesis/biggan32_colour.py data/biggan32_colour')
