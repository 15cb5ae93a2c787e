"""Test images of garments in colour, 32 px, with their masks."""

label_space = 'classes'
test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.ColourGarments',
        split='test',
        label_space=label_space,
        test_mode=True,
        pipeline=[dict(type='mmseg.PackSegInputs')],
    ),
)
val_dataloader = test_dataloader
val_evaluator = test_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
val_cfg = dict()
test_cfg = dict()
