"""fpn_r18.py with synthetic labelled images beside the real ones, and batch norms of their own for them (docs/aux_norm.md).

    python tools/train.py configs/transfer/fashion/fpn_r18_synthetic.py --cfg-options pretrained=BACKBONE label_fraction=0.1
    python tools/test.py  configs/transfer/fashion/fpn_r18_synthetic.py work_dirs/fpn_r18_synthetic/iter_600.pth

A missing synthetic dataset is made first. Use --cfg-options aux_norm=None for shared norms, and pretrained=None for random initialisation.
"""

_base_ = ['fpn_r18.py', '../../synthesis/biggan32_fashion.py']

aux_norm = 'BN'  # 'BN', or None: both domains share all norms, and all images have one loss
synthetic_ratio = 1  # synthetic images per real image; a batch has 32 real images

model = dict(
    type='mmbdg.AuxNormSegmentor',
    data_preprocessor=dict(
        _delete_=True,
        type='mmbdg.JointDataPreprocessor',
        parts=dict(real=_base_.model.data_preprocessor, synthetic=_base_.model.data_preprocessor),
    ),
    aux_norm=aux_norm,
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        parts=dict(
            real=_base_.train_dataloader.dataset,
            synthetic=dict(
                type='mmbdg.SyntheticSegDataset',
                prepare=_base_.synthesis,
                label_space='classes',
                pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), *_base_.train_dataloader.dataset.pipeline],
            ),
        ),
        ratios=dict(synthetic=synthetic_ratio),
    ),
)
