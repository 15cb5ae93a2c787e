"""Linear probe on the features of a CLIP image tower, as in "The Unmet Promise" (arXiv 2406.05184).

"code" is the released code (scottgeng00/unmet-promise). There the length of the cosine is counted in the batches of the fine-tuning (512),
while the probe has batches of 256, so the rate jumps back at each new epoch (adapt/src/models/linear_probe.py, by reading); here it falls
once. The head begins with mmpretrain's random weights, there with torch's. No probe at this size was run by us.
"""

_base_ = ['runtime.py', 'models/clip_vit-b16.py']

tuned = None  # checkpoint of a fine-tuning whose image tower is probed; None: the tower of the CLIP model
learning_rate = 1e-2  # code, linear_probe.py
weight_decay = 0.1  # code, linear_probe.py
warmup = 200  # iterations; code, linear_probe.py
epochs = 200  # code, linear_probe.py
batch_size = 256  # code, linear_probe.py

model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(type='ClsDataPreprocessor', to_rgb=False),
    backbone=dict(type='mmbdg.GivenFeatures'),
    head=dict(type='LinearClsHead', num_classes=1000, in_channels=512, loss=dict(type='CrossEntropyLoss')),
)
# Vectors of length 1: code, modeling.py.
encoded = dict(type='mmbdg.EncodedImages', encoder=_base_.encoder, checkpoint=tuned, num_workers=8)
train_dataloader = dict(
    batch_size=batch_size,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
)
test_dataloader = dict(
    batch_size=1024,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
)
test_evaluator = dict(type='Accuracy', topk=(1,))
test_cfg = dict()

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=learning_rate, betas=(0.9, 0.95), weight_decay=weight_decay),  # betas: code, linear_probe.py
    clip_grad=dict(max_norm=1.0),  # code, linear_probe.py
)
param_scheduler = [dict(type='mmbdg.WarmupCosineLR', warmup=warmup, T_max=epochs, by_epoch=True, convert_to_iter_based=True)]
default_hooks = dict(checkpoint=dict(by_epoch=True))
log_processor = dict(by_epoch=True)
next_step = 'python tools/test.py {config} {checkpoint}'
