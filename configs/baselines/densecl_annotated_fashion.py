"""Baseline without a generator: densecl_biggan_fpn.py with the 50 annotated samples in place of the synthetic images.

    python tools/train.py configs/baselines/densecl_annotated_fashion.py

It tells what of the gain comes from the annotations, and what from the images that generator and interpreters make of them. Everything else
is the same.
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
