"""classification_fashion.py with synthetic images beside the real ones, and batch norms of their own for them (docs/aux_norm.md).

    python tools/train.py configs/baselines/classification_fashion_synthetic.py        # a missing synthetic dataset is made first
    python tools/train.py configs/baselines/classification_fashion_synthetic.py --cfg-options aux_norm=None     # shared norms: the control

Real images, backbone, number of iterations and optimizer are those of classification_fashion.py. The embedded generator makes the synthetic
images; it was trained with the same 10,000 images and class labels. The test images are real.
"""

_base_ = ['classification_fashion.py', '../synthesis/biggan32_fashion.py']

aux_norm = 'BN'  # 'BN', or None: both domains share all norms
synthetic_loss_weight = 1.0
synthetic_ratio = 1  # synthetic images per real image; a batch has 32 real images

view = [
    dict(type='RandomResizedCrop', scale=64, crop_ratio_range=(0.2, 1.0), backend='pillow'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackInputs'),
]
model = dict(
    type='mmbdg.AuxNormClassifier',
    data_preprocessor=dict(
        _delete_=True,
        type='mmbdg.JointDataPreprocessor',
        parts=dict(real=_base_.model.data_preprocessor, synthetic=_base_.model.data_preprocessor),
    ),
    aux_norm=aux_norm,
    synthetic_loss_weight=synthetic_loss_weight,
)
train_dataloader = dict(
    sampler=dict(_delete_=True, type='mmbdg.AddressedSampler'),
    dataset=dict(
        _delete_=True,
        type='mmbdg.JointDataset',
        parts=dict(
            real=dict(type='mmbdg.FashionMNIST32', split='train', pipeline=view),
            synthetic=dict(type='mmbdg.SyntheticSegDataset', prepare=_base_.synthesis, pipeline=[dict(type='mmbdg.LoadImage'), *view]),
        ),
        ratios=dict(synthetic=synthetic_ratio),
    ),
)
test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='Resize', scale=(64, 64)), dict(type='PackInputs')]),
)
val_dataloader = test_dataloader
val_evaluator = test_evaluator = dict(type='Accuracy', topk=(1,))
train_cfg = dict(val_interval=_base_.iterations)
val_cfg = test_cfg = dict()
