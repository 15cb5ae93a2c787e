"""The embedded small CLIP fine-tuned on the embedded garments from zero-shot weights.

    python tools/train.py configs/clip/tune_fashion32.py                                    # half a minute of one core
    python tools/wise_ft.py configs/clip/tune_fashion32.py zero_shot.safetensors            # zero-shot weights, for tools/test.py
    python tools/test.py configs/clip/tune_fashion32.py zero_shot.safetensors

It is the small version of configs/clip/vit-b16_dtd.py. All numbers are ours, except betas, weight decay and clipping. The embedded CLIP was
trained on the same 10,000 images with captions; the test images are new to it.
"""

_base_ = '../_base_/runtime.py'

clip = 'mmbdg://fashion32/clip'
classes = 'fashion32'
templates = ['a photo of a {}', 'a picture of a {}', 'a {}', '{}']  # of the captions that the CLIP model was trained with
learning_rate = 1e-4
weight_decay = 0.1
warmup = 20  # iterations
epochs = 5

model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(type='ClsDataPreprocessor', mean=[56.1] * 3, std=[84.15] * 3, to_rgb=True),
    backbone=dict(type='mmbdg.OpenCLIPBackbone', folder=clip),
    head=dict(type='mmbdg.ZeroShotHead', folder=clip, classes=classes, templates=templates, loss=dict(type='CrossEntropyLoss')),
)
train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='train',
        pipeline=[dict(type='RandomResizedCrop', scale=32, crop_ratio_range=(0.9, 1.0)), dict(type='PackInputs')],
    ),
)
test_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='PackInputs')]),
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
