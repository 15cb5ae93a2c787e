"""Linear probe of the embedded small CLIP on the embedded garments.

    python tools/train.py configs/clip/probe_fashion32.py
    python tools/train.py configs/clip/probe_fashion32.py --cfg-options tuned=work_dirs/tune_fashion32/epoch_5.pth

It is the small version of configs/clip/probe_vit-b16_dtd.py, with another learning rate, fewer epochs and no weight decay (ours).
"""

_base_ = '../_base_/runtime.py'

clip = 'mmbdg://fashion32/clip'
tuned = None  # checkpoint of a fine-tuning whose image tower is probed; None: the tower of the CLIP model
learning_rate = 1.0
weight_decay = 0.0
warmup = 40  # iterations
epochs = 100

encoder = dict(
    type='ImageClassifier',
    _scope_='mmpretrain',
    data_preprocessor=dict(type='ClsDataPreprocessor', mean=[56.1] * 3, std=[84.15] * 3, to_rgb=True),
    backbone=dict(type='mmbdg.OpenCLIPBackbone', folder=clip),
)
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(type='ClsDataPreprocessor', to_rgb=False),
    backbone=dict(type='mmbdg.GivenFeatures'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64, loss=dict(type='CrossEntropyLoss')),
)
encoded = dict(type='mmbdg.EncodedImages', encoder=encoder, checkpoint=tuned)
images = dict(type='mmbdg.FashionMNIST32', pipeline=[dict(type='PackInputs')])
train_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(**encoded, dataset=dict(**images, split='train')),
)
test_dataloader = dict(
    batch_size=1000,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(**encoded, dataset=dict(**images, split='test')),
)
test_evaluator = dict(type='Accuracy', topk=(1,))
test_cfg = dict()

train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=learning_rate, betas=(0.9, 0.95), weight_decay=weight_decay), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [dict(type='mmbdg.WarmupCosineLR', warmup=warmup, T_max=epochs, by_epoch=True, convert_to_iter_based=True)]
default_hooks = dict(checkpoint=dict(by_epoch=True))
log_processor = dict(by_epoch=True)
next_step = 'python tools/test.py {config} {checkpoint}'
