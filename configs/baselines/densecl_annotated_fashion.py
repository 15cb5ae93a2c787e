"""Baseline without a generator: densecl_biggan_fpn.py with the 50 annotated samples in place of the synthetic images.

    python tools/train.py configs/baselines/densecl_annotated_fashion.py

The difference to densecl_biggan_fpn.py is the gain from the synthetic images, the difference to densecl_fashion.py the gain from the 50
annotations. Everything else is the same.
"""

_base_ = '../densecl_biggan_fpn.py'

train_dataloader = dict(
    dataset=dict(
        seg=dict(
            _delete_=True,
            type='mmbdg.AnnotatedSegDataset',
            data_root='mmbdg://fashion32/annotated_latents',
            name='biggan32',
            class_names='fashion32',
            label_space=_base_.label_space,
            pipeline=[dict(type='mmbdg.AugmentLabelled', **_base_.seg_augmentation), dict(type='mmseg.PackSegInputs')],
        )
    )
)
