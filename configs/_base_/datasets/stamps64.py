"""The domain stamps64 for a segmentation (docs/stamps.md): unseen objects over unseen photographs in the test.

``label_space`` is 'classes' (background and eight classes) or 'fgbg'. ``subset`` is 50 or 500 training images, or None for all.
"""

data_root = 'data/stamps64'
label_space = 'classes'
subset = None
size = (64, 64)
class_names = ('bird', 'flower', 'fruit', 'mammal', 'sea-animal', 'tool', 'vegetable', 'vehicle')
if label_space not in ('classes', 'fgbg'):
    raise ValueError(f'label_space is {label_space!r}; there are "classes" and "fgbg"')
labels = ('background', *class_names) if label_space == 'classes' else ('background', 'foreground')
label_map = None if label_space == 'classes' else dict.fromkeys(range(2, len(class_names) + 1), 1)
labelled = dict(type='mmbdg.LabelledFolder', metainfo=dict(classes=labels), label_map=label_map, allow_missing_labels=True)
train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        data_root=f'{data_root}/train',
        ann_file='' if subset is None else f'subset_{subset}.txt',
        pipeline=[
            dict(type='mmbdg.LoadImage'),
            dict(type='mmbdg.LoadMask'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackSegInputs'),
        ],
        **labelled,
    ),
)
test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        data_root=f'{data_root}/test',
        pipeline=[dict(type='mmbdg.LoadImage'), dict(type='mmbdg.LoadMask'), dict(type='PackSegInputs')],
        test_mode=True,
        **labelled,
    ),
)
val_dataloader = test_dataloader
val_evaluator = test_evaluator = dict(type='mmseg.IoUMetric', iou_metrics=['mIoU'])
val_cfg = dict()
test_cfg = dict()
