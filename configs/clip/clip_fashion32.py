"""A small CLIP on the embedded real images with generated captions: 0.8 M parameters, a vocabulary of the captions' words.

    python tools/train.py configs/clip/clip_fashion32.py        # four minutes of one core

Writes clip/ into the work dir, a folder for mmbdg.OpenCLIP and open_clip. Many captions of a batch are true of an image, so all of
them are positives. With targets='pair', the usual loss, the model learns several times slower.
"""

_base_ = '../_base_/runtime.py'

classes = ['t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot']
model = dict(
    type='mmbdg.CLIPTraining',
    embed_dim=64,
    vision_cfg=dict(image_size=32, patch_size=8, width=128, head_width=32, layers=3),
    text_cfg=dict(context_length=32, width=64, heads=2, layers=2),
    preprocess_cfg=dict(
        size=32,
        mode='RGB',
        mean=[0.22] * 3,
        std=[0.33] * 3,
        interpolation='bilinear',
        resize_mode='shortest',
        fill_color=0,
    ),
    # fmt: off
    words=[  # words of the captions: mmbdg.datasets.garment_captions.words()
        'a',
        'accessory',
        'an',
        'ankle',
        'bag',
        'black',
        'blouse',
        'boot',
        'bright',
        'clothing',
        'coat',
        'dark',
        'dress',
        'footwear',
        'gown',
        'grey',
        'handbag',
        'is',
        'jacket',
        'jumper',
        'long',
        'of',
        'on',
        'one',
        'pants',
        'photo',
        'picture',
        'product',
        'pullover',
        'purse',
        'sandal',
        'shirt',
        'shoe',
        'short',
        'sleeved',
        'sleeves',
        'sneaker',
        'sweater',
        't',
        'tee',
        'this',
        'trainer',
        'trouser',
        'with',
    ],
    # fmt: on
    targets='true',
    classes=classes,
    templates=['a photo of a {}', 'a picture of a {}', 'a {}', '{}'],
    questions=dict(
        tone=dict(bright='a photo of a bright {}', dark='a photo of a dark {}'),
        sleeves=dict(long='a photo of a {} with long sleeves', short='a photo of a {} with short sleeves'),
    ),
)

pack = dict(type='PackInputs', meta_keys=('caption', 'stated', 'attributes'))
train_dataloader = dict(
    batch_size=128,
    num_workers=0,  # worker processes would take longer than captions and masks
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(
        type='mmbdg.FashionMNIST32',
        split='train',
        pipeline=[
            dict(type='mmbdg.CaptionGarment', count=8),
            dict(type='RandomFlip', prob=0.5),
            dict(type='RandomCrop', crop_size=32, padding=2),
            pack,
        ],
    ),
)
val_dataloader = dict(  # the last checkpoint is exported; the test images do not choose it
    batch_size=250,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='mmbdg.CaptionGarment', count=1), pack]),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = [dict(type='Accuracy', topk=(1,)), dict(type='mmbdg.AttributeAnswers')]

train_cfg = dict(type='IterBasedTrainLoop', max_iters=450, val_interval=450)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=2e-3, betas=(0.9, 0.98), weight_decay=0.05),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0, custom_keys={'logit_scale': dict(decay_mult=0.0)}),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, begin=0, end=30, by_epoch=False),
    dict(type='CosineAnnealingLR', T_max=420, begin=30, end=450, by_epoch=False),
]
default_hooks = dict(logger=dict(interval=50), checkpoint=dict(interval=150))
custom_hooks = [dict(type='mmbdg.ExportCLIPHook')]
