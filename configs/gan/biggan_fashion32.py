"""Class-conditional BigGAN, trained on the embedded real images and their class labels.

    python tools/train.py configs/gan/biggan_fashion32.py        # about an hour on two cores

Writes generator.safetensors (the averaged generator of the best checkpoint) and samples/*.png to the work dir. For your own images, see
configs/own/README.md.
"""

_base_ = ['../_base_/gan_training.py', '../_base_/models/biggan32_fashion.py', '../_base_/models/resnet_fashion32.py']

classifier_weights = 'mmbdg://fashion32/classifier.safetensors'

model = dict(
    type='mmbdg.ConditionalGAN',
    generator=_base_.generator,
    discriminator=dict(
        type='mmbdg.ProjectionDiscriminator',
        resolution=32,
        num_classes=10,
        base_channels=32,
        channel_multipliers=(1, 2, 4, 4),
        downsample=(True, True, True, False),
        attention=(16,),
    ),
    discriminator_steps=2,
    ema_momentum=0.002,  # BigGAN's 0.0001 is for 50 times as many steps
    augment=('translation', 'cutout'),  # because there are only 10,000 images; no 'color', because the background must stay black
    data_preprocessor=dict(type='mmengine.ImgDataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3),
)

train_dataloader = dict(
    batch_size=64,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='train', pipeline=[dict(type='PackInputs')]),
)
val_dataloader = dict(  # 2,000 training images, so that no checkpoint is selected with test images
    batch_size=100,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='mmengine.pseudo_collate'),
    dataset=dict(type='mmbdg.FashionMNIST32', split='train', label_fraction=0.2, pipeline=[dict(type='PackInputs')]),
)
val_evaluator = dict(
    type='mmbdg.KernelDistance',
    name='resnet_fashion32',
    classifier=dict(init_cfg=dict(type='Pretrained', checkpoint=classifier_weights), **_base_.classifier),
)

train_cfg = dict(type='IterBasedTrainLoop', max_iters=9000, val_interval=500)  # iterations are discriminator steps
param_scheduler = dict(
    generator=[dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=6000, end=9000, by_epoch=False)],
    discriminator=[dict(type='LinearLR', start_factor=1.0, end_factor=0.1, begin=6000, end=9000, by_epoch=False)],
)
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=500, save_best='KD_resnet_fashion32', rule='less'))
requires = dict(
    classifier_weights='the classifier whose features judge the samples: python tools/train.py configs/classifier/resnet_fashion32.py'
)
next_step = (
    'look at {work_dir}/samples, then: python tools/annotate.py sample configs/interpreter/biggan32_fashion.py OUT --per-class 5 '
    '--cfg-options generator_weights={work_dir}/generator.safetensors'
)
