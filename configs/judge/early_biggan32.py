"""Judge of early rejection for the embedded generator, distilled from the classifier's ranking of 6,000 candidates.

    python tools/train.py configs/judge/early_biggan32.py        # two minutes of one core

Writes judge.safetensors and judge.safetensors.json to the work dir. Copied into the folder of a labelled generator, they are used by
RejectionSampling(early=True). To train one for your own generator, change labelled_generator, classifier_weights and block.
"""

_base_ = ['../_base_/runtime.py', '../_base_/models/resnet_fashion32.py']

labelled_generator = 'fashion32'
classifier_weights = 'mmbdg://fashion32/classifier.safetensors'
block = 'blocks.0.0'  # of feature_info: the first of three blocks, at 8 px; it ends after about a quarter of the generator's time
cells = 4

model = dict(
    type='mmbdg.JudgeTraining',
    labelled_generator=labelled_generator,
    block=block,
    judge=dict(cells=cells),
)

candidates = dict(
    type='mmbdg.ScoredCandidates',
    labelled_generator=labelled_generator,
    classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
    block=block,
    cells=cells,
)
train_dataloader = dict(
    batch_size=128,
    num_workers=0,  # the candidates are in memory
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(per_class=600, **candidates),
)
val_dataloader = dict(
    batch_size=222,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(per_class=222, first=3 * 10**8, **candidates),  # one block of the synthesis of each class
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type='mmbdg.EarlyRecall', keep=0.2, rate=0.9)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=500)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=100, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=900, begin=100, end=1000, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=500))
custom_hooks = [dict(type='mmbdg.ExportJudgeHook')]
next_step = 'python tools/synthesize.py configs/synthesis/biggan32_fashion_early.py OUT --cfg-options judge={work_dir}'
