"""Test images of garments in colour, 32 px, with their masks."""

_base_ = 'fashion32_seg_test.py'

label_space = 'classes'
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='mmbdg.ColourGarments',
        split='test',
        label_space=label_space,
        test_mode=True,
        pipeline=[dict(type='mmseg.PackSegInputs')],
    ),
)
val_dataloader = test_dataloader
