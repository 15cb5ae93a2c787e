"""Real test images, resized to 64 px, with masks drawn by the foreground rule; the masks stay at 32 px."""

test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='test',
        label_space='classes',
        test_mode=True,
        pipeline=[dict(type='mmseg.Resize', scale=(64, 64)), dict(type='mmseg.PackSegInputs')],
    ),
)
val_dataloader = test_dataloader
val_evaluator = test_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
val_cfg = dict()
test_cfg = dict()
