"""unet_32px_light.py, trained with synthetic labelled garments only. The test images are real.

python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion
python tools/train.py configs/transfer/fashion/unet_32px_synthetic.py
python tools/test.py  configs/transfer/fashion/unet_32px_synthetic.py work_dirs/unet_32px_synthetic/iter_1600.pth
"""

_base_ = 'unet_32px_light.py'

synthetic = 'work_dirs/biggan32_fashion'  # a dataset of tools/synthesize.py
min_component = 0.0  # components of a mask below this share of its largest one become background; 0: keep all, 1: keep the largest

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmbdg.SyntheticSegDataset',
        data_root=synthetic,
        label_space='classes',
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='mmbdg.DropSmallComponents', min_share=min_component),
            *_base_.train_dataloader.dataset.pipeline,
        ],
    ),
)
requires = dict(synthetic='labelled images: python tools/synthesize.py configs/synthesis/biggan32_fashion.py work_dirs/biggan32_fashion')
